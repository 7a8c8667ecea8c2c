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
    """Which of the two the author meant is open, and the order in which they are listed may be an accident."""
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


def entity(name: str, *fields: str) -> Change:
    """Return a new entity with text fields."""
    made = [{"name": field, "type": "Text"} for field in fields]
    return changes.build("add_entity", entity=name, fields=made, key=[fields[0]])


def test_an_entity_that_goes_and_one_like_it_that_comes_look_like_a_rename() -> None:
    """Told as a drop and an addition, every record would stay behind."""
    gone = changes.build("drop_entity", entity="items")

    assert check(gone, entity("things", "ItemDesc")) == "looks-like-a-rename"
    assert check(entity("things", "ItemDesc"), gone) == "looks-like-a-rename"
    assert check(gone, entity("things", "ItemDesc", "other")) is None
    assert check(gone, entity("things", "other")) is None


def test_who_says_that_it_is_no_rename_is_believed() -> None:
    """Nobody guesses: the migration says what it is, and why, where a reviewer reads it."""
    why = {"ItemDesc": "not a rename: the old text is wrong"}
    gone = changes.build("drop_entity", entity="items")

    assert check(drop("ItemDesc"), add("description"), acknowledged=why) is None
    assert (
        check(gone, entity("things", "ItemDesc"), acknowledged={"items": "not a rename: new things"}) is None
    )


def test_a_change_that_carries_its_values_over_is_no_hidden_rename() -> None:
    """A split drops a field and adds others of its type, and moves the values itself."""
    parts = [{"name": "first", "type": "Text"}, {"name": "rest", "type": "Text"}]
    split = changes.build("split_field", entity="items", field="ItemDesc", into=parts, separator=" ")

    assert check(split, add("weight", "Text")) is None
