"""One flat schema stands for all changes: everything that a change takes is in it once, and it stays small."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from skill_server import changes
from skill_server.model.change import Change
from skill_server.model.offered import flat_schema, signature

LARGEST = 8_000


class Part(BaseModel):
    """A value within an argument."""

    name: str
    share: int | None = None


class One(BaseModel):
    """A kind."""

    kind: Literal["one"] = "one"
    entity: Annotated[str, Field(max_length=63)]
    to: int
    parts: tuple[Part, ...] = ()


class Other(BaseModel):
    """Another kind, whose `to` is of another type."""

    kind: Literal["other"] = "other"
    entity: Annotated[str, Field(max_length=63)]
    to: str | None = None


def test_an_argument_of_two_kinds_is_there_once_with_both_types() -> None:
    """A client must be able to send either, and reads one list of arguments."""
    schema = flat_schema({"one": One, "other": Other})

    assert list(schema["properties"]) == ["kind", "entity", "parts", "to"]
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["one", "other"]}
    assert schema["properties"]["to"] == {"type": ["integer", "string"]}
    assert schema["properties"]["entity"] == {"type": "string"}
    assert schema["properties"]["parts"]["items"]["properties"]["share"] == {"type": "integer"}
    assert schema["required"] == ["kind", "entity"]
    assert schema["additionalProperties"] is False


def test_a_signature_marks_what_may_be_left_out() -> None:
    """The flat schema cannot say which argument belongs to which kind; the signatures do."""
    assert signature("one", One) == "one(entity, to, parts?)"
    assert flat_schema({"one": One, "other": Other})["description"].endswith("; other(entity, to?)")


def test_every_argument_of_every_change_is_published_in_few_words() -> None:
    """An argument that is left out could never be given, and each word costs every conversation."""
    schema = TypeAdapter[Change](changes.AnyChange).json_schema()

    for kind, change in changes.authored().items():
        assert set(change.model_fields) <= schema["properties"].keys(), kind
        assert signature(kind, change) in schema["description"]
    assert len(json.dumps(schema, separators=(",", ":"))) < LARGEST
