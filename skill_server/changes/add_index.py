"""Build an index without stopping writers."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, ids, presence
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import Kind
from skill_server.model.snapshot import Condition, IndexKey, Snapshot

# PostgreSQL and MongoDB both take at most 32 keys (manual of each, limits).
MOST_KEYS = 32


class AddIndex(Change):
    """An index over fields in this order; a leading "-" sorts a field downwards.

    `where` limits it to records that fulfil all conditions, each `{field, operator, value}`. `method` `text` searches
    words, `ignore_case` compares text without regard to case. `expression` is what PostgreSQL indexes in place of the
    fields, which MongoDB indexes. `expire_after_s` makes MongoDB delete records so long after the moment in the field.
    """

    kind: Literal["add_index"] = "add_index"
    name: Name
    fields: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_KEYS)]
    unique: bool = False
    where: Annotated[tuple[Condition, ...], Field(max_length=20)] = ()
    method: Literal["ordered", "text"] = "ordered"
    ignore_case: bool = False
    expression: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    # The longest that a TTL index of MongoDB takes (manual, "TTL Indexes").
    expire_after_s: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None

    @model_validator(mode="after")
    def _fields_are_names(self) -> Self:
        names = [ids.existing_name(key.removeprefix("-")) for key in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("an index names each field once")
        return self

    @model_validator(mode="after")
    def _parts_go_together(self) -> Self:
        descending = any(key.startswith("-") for key in self.fields)
        special = self.unique or self.ignore_case or self.expression is not None or descending
        if self.method == "text" and special:
            raise ValueError("an index for words has no order, uniqueness, case or expression")
        if self.expression is not None and self.ignore_case:
            raise ValueError("an expression says itself how it compares")
        if self.expire_after_s is not None and (self.method == "text" or special or len(self.fields) > 1):
            raise ValueError("an index that lets records expire has one field and nothing special")
        return self

    def keys(self) -> tuple[IndexKey, ...]:
        """Return the fields and their directions."""
        return tuple(
            IndexKey(field=key.removeprefix("-"), descending=key.startswith("-")) for key in self.fields
        )

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that builds the index."""
        yield action.BuildIndex(
            **self.model_dump(exclude={"kind", "fields"}),
            keys=self.keys(),
        )

    def inverse(self) -> Change:
        """Return the change that takes the index away."""
        return changes.construct("remove_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which fields, in which direction, and everything else that makes it a special one."""
        kind = ("unique " if self.unique else "") + ("text " if self.method == "text" else "") + "index"
        special = [
            *(["without regard to case"] if self.ignore_case else []),
            *([f"on PostgreSQL over {self.expression}"] if self.expression else []),
            *([f"where {' and '.join(_said(item) for item in self.where)}"] if self.where else []),
        ]
        expiry = (
            f"; MongoDB deletes records {self.expire_after_s} s after that moment"
            if self.expire_after_s is not None
            else ""
        )
        more = "".join(f", {word}" for word in special)
        return f"Build the {kind} {self.name} on {self.entity} ({', '.join(self.fields)}){more}{expiry}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a taken name, fields that are not there, and a key that is no moment or no text."""
        yield from presence.index_taken_problems(snapshot, self.entity, self.name)
        if snapshot.entity(self.entity) is None:
            return
        names = [key.field or "" for key in self.keys()]
        for name in dict.fromkeys([*names, *(item.field for item in self.where)]):
            yield from presence.field_problems(snapshot, self.entity, name)
        if self.method == "text" or self.ignore_case:
            for name in names:
                yield from fitness.text_problems(snapshot, self.entity, name)
        kind = fitness.type_of(snapshot, self.entity, names[0])
        if self.expire_after_s is not None and kind is not None and kind.kind is not Kind.DATE_TIME:
            yield presence.problem(
                "field-is-no-moment",
                snapshot,
                f"{names[0]} of {self.entity} is {kind}, so no record would ever expire",
                "Name a field of type DateTime.",
                name=names[0],
            )

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the index."""
        return (self.name,)


def _said(condition: Condition) -> str:
    if condition.operator == "present":
        return f"{condition.field} is present"
    return f"{condition.field} {condition.operator} {canonical(condition.value)}"


CHANGE = AddIndex
