"""Changes of one migration must not contradict each other, and a rename must be told as one."""

from typing import Any

import pytest

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.generate.contradiction import require_consistent
from skill_server.generate.migration import Migration
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Entity, Field, Snapshot


def add(field: str, type_: str = "Text") -> Change:
    """Return an addition to items."""
    return changes.build("add_field", entity="items", field=field, type=type_)


def drop(field: str, entity: str = "items") -> Change:
    """Return a drop."""
    return changes.build("drop_field", entity=entity, field=field)


def check(*asked: Change, **more: Any) -> str | None:
    """Return the code of the refusal of these changes, or None."""
    migration = Migration(revision="20260101_a", summary="s", reason="r", changes=asked, **more)
    field = Field(name="ItemDesc", native_name="ItemDesc", type=parse("String(200)"), native_type="x")
    entities = tuple(Entity(name=name, native_name=name, fields=(field,)) for name in ("items", "users"))
    snapshot = Snapshot(backend=BackendKind.POSTGRES, entities=entities, fingerprint="f")
    try:
        require_consistent(migration, (snapshot,))
    except Invalid as error:
        return error.code
    return None


def test_a_drop_and_an_addition_of_one_type_look_like_a_rename() -> None:
    """Told as a drop and an addition, the values would stay behind."""
    assert check(drop("ItemDesc"), add("description")) == "looks-like-a-rename"
    assert check(add("description", "String(40)"), drop("ItemDesc")) == "looks-like-a-rename"


def test_a_drop_and_an_addition_that_have_nothing_in_common_are_fine() -> None:
    """Another type or entity is no rename."""
    assert check(drop("ItemDesc"), add("weight", "Integer")) is None
    assert check(drop("ItemDesc", "users"), add("description")) is None


@pytest.mark.parametrize(
    "asked",
    [
        (add("a"), drop("a")),
        (drop("a"), drop("a")),
        (changes.build("rename_field", entity="items", field="a", to="b"), add("b")),
        (
            changes.build("rename_field", entity="items", field="a", to="b"),
            changes.build("retype_field", entity="items", field="b", was="Text", to="Integer"),
        ),
        (
            changes.build("add_index", entity="items", name="i", fields=["a"]),
            changes.build("drop_index", entity="items", name="i"),
        ),
    ],
)
def test_the_same_thing_touched_twice_is_refused(asked: tuple[Change, ...]) -> None:
    """The steps of a migration are rendered from one snapshot, so they must not build on each other."""
    assert check(*asked) == "touched-twice"


def test_an_index_may_name_a_field_that_was_just_added_or_renamed() -> None:
    """Indexes are built in a later phase."""
    index = changes.build("add_index", entity="items", name="i", fields=["a", "description"])
    rename = changes.build("rename_field", entity="items", field="ItemDesc", to="description")

    assert check(add("a"), rename, index) is None


def test_only_a_name_that_goes_can_be_acknowledged() -> None:
    """A stray acknowledgement would silently lift a later finding."""
    assert check(drop("ItemDesc"), acknowledged={"ItemDesc": "an API key"}) is None
    assert check(drop("ItemDesc"), acknowledged={"ItemDsc": "an API key"}) == "acknowledged-name-stays"
