"""Changes come in an order in which each finds what it needs; those that contradict are refused, both by name."""

from collections.abc import Iterator
from itertools import pairwise, permutations
from typing import Any, Literal

import pytest

from skill_server import changes
from skill_server.errors import Invalid, Refused
from skill_server.model import action
from skill_server.model.change import Change
from skill_server.model.logical import parse
from skill_server.model.plan import Phase
from skill_server.plan import order


def change(kind: str, entity: str = "items", **arguments: Any) -> Change:
    """Return a change."""
    return changes.build(kind, entity=entity, **arguments)


ENTITY = change("add_entity", "things", fields=[{"name": "id", "type": "Integer"}], key=["id"])
FIELD = change("add_field", "things", field="owner", type="Integer")
INDEX = change("add_index", "things", name="ix_owner", fields=["owner"])
LINK = change("add_relationship", field="thing", references="things", references_field="id")
LINKING = change("add_field", field="thing", type="Integer")
RENAME = change("rename_field", field="a", to="b")
CALLED = change("rename_entity", to="goods")
COPY = change("copy_records", "things", source="items", mapping={"id": "a"}, key=["id"])
DROP = change("drop_entity")

ORDERED = {
    "a field, its entity and its index": (ENTITY, FIELD, INDEX),
    "a reference, its field and the entity that it names": (ENTITY, LINKING, LINK),
    "an index on the new name of a field": (RENAME, change("add_index", name="ix_b", fields=["b"])),
    "a field of an entity under its new name": (CALLED, change("add_field", "goods", field="c", type="Text")),
    "a rename of a field under the entity's new name": (
        CALLED,
        change("rename_field", "goods", field="a", to="b"),
    ),
    "a copy and the end of its source": (COPY, DROP),
    "a check on a field that comes": (
        LINKING,
        change("add_check", name="ck", field="thing", minimum=1),
    ),
}


@pytest.mark.parametrize("case", ORDERED)
def test_each_change_comes_after_what_it_needs_however_they_are_listed(case: str) -> None:
    """An author lists changes as they come to mind; the order that works is a fact."""
    asked = ORDERED[case]
    # LINKING needs nothing of the entity that is added beside it.
    free = [(ENTITY, LINKING)]

    for listed in permutations(asked):
        found = order.ordered(listed)
        assert sorted(map(asked.index, found)) == list(range(len(asked)))
        for pair in pairwise(asked):
            assert pair in free or found.index(pair[0]) < found.index(pair[1])


def test_changes_that_do_not_need_each_other_stay_as_they_were_listed() -> None:
    """The file and the plan tell one story, so nothing moves without a reason."""
    listed = [change("add_field", field=name, type="Text") for name in ("c", "a", "b")]

    assert order.ordered(listed) == tuple(listed)


CONTRADICTIONS = {
    "dropped and converted": (
        change("drop_field", field="a"),
        change("retype_field", field="a", was="Text", to="Integer"),
        "touched-twice",
    ),
    "renamed onto a name that is renamed": (
        RENAME,
        change("rename_field", field="b", to="c"),
        "touched-twice",
    ),
    "entities renamed in a chain": (CALLED, change("rename_entity", "goods", to="wares"), "touched-twice"),
    "computed and converted": (
        change("retype_field", field="a", was="Text", to="Integer"),
        change(
            "split_field",
            field="x",
            into=[{"name": "a", "type": "Text"}, {"name": "z", "type": "Text"}],
            separator=" ",
        ),
        "touched-twice",
    ),
    "moved and changed": (
        change("move_entity", to="archive"),
        change("add_field", field="c", type="Text"),
        "touched-twice",
    ),
    "written by hand and changed": (
        change("raw", postgres=["SELECT 1"], mongodb=[], undo_postgres=["SELECT 1"], undo_mongodb=[]),
        change("add_field", field="c", type="Text"),
        "touched-twice",
    ),
    "a field of an entity that goes": (DROP, change("add_field", field="c", type="Text"), "uses-what-goes"),
    "an index on a field that goes": (
        change("drop_field", field="a"),
        change("add_index", name="i", fields=["a"]),
        "uses-what-goes",
    ),
    "an index on a field's old name": (RENAME, change("add_index", name="i", fields=["a"]), "uses-what-goes"),
    "a field of an entity's old name": (
        CALLED,
        change("add_field", field="c", type="Text"),
        "uses-what-goes",
    ),
    "a copy from an entity's old name": (CALLED, COPY, "uses-what-goes"),
    "a reference to an entity that goes": (
        change("drop_entity", "users"),
        change("add_relationship", field="a", references="users", references_field="id"),
        "uses-what-goes",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_changes_that_contradict_each_other_are_refused_with_both_named(case: str) -> None:
    """An author can mend only what the refusal names, whichever was listed first."""
    one, other, code = CONTRADICTIONS[case]

    for listed in ((one, other), (other, one)):
        with pytest.raises(Invalid) as caught:
            order.ordered(listed)
        assert caught.value.code == code
        assert one.kind in caught.value.message
        assert other.describe()[:100] in caught.value.message


class Swap(Change):
    """A change that copies from another entity a field that the same change of that entity adds."""

    kind: Literal["swap"] = "swap"
    source: str

    def expand(self) -> Iterator[action.Action]:
        """Yield the copy and the field."""
        yield from change(
            "copy_records", self.entity, source=self.source, mapping={"x": "y"}, key=["x"]
        ).expand()
        yield action.AddField(entity=self.entity, field="y", type=parse("Text"))

    def inverse(self) -> Change:
        """Return itself: these tests go one way."""
        return self

    def describe(self) -> str:
        """Say which two."""
        return f"Swap {self.entity} and {self.source}."


def test_changes_that_each_need_the_other_first_are_refused_with_both_named() -> None:
    """No order would work, and leaving one out would be a guess."""
    with pytest.raises(Invalid) as caught:
        order.ordered([Swap(entity="items", source="users"), Swap(entity="users", source="items")])

    assert caught.value.code == "changes-in-a-circle"
    assert "Swap items and users" in caught.value.message
    assert "Swap users and items" in caught.value.message


def test_phases_that_would_tear_the_order_apart_are_refused() -> None:
    """The steps of one database are sorted by phase, whatever order the actions had."""
    add = action.AddField(entity="items", field="a", type=parse("Text"))
    index = next(iter(change("add_index", name="i", fields=["a"]).expand()))
    fine = [(add, [Phase.EXPAND, Phase.CONTRACT]), (index, [Phase.CONCURRENT])]
    torn = [(add, [Phase.CONTRACT]), (index, [Phase.CONCURRENT])]

    order.require_phases(fine)
    with pytest.raises(Refused) as caught:
        order.require_phases(torn)
    assert caught.value.code == "phases-out-of-order"


def test_what_is_read_must_not_be_taken_in_an_earlier_phase() -> None:
    """A copy runs in batches, after the structure has grown and before anything closes."""
    copied, gone = next(iter(COPY.expand())), next(iter(DROP.expand()))

    order.require_phases([(copied, [Phase.BACKFILL]), (gone, [Phase.EXPAND, Phase.CONTRACT])])
    with pytest.raises(Refused, match="later phase"):
        order.require_phases([(copied, [Phase.BACKFILL]), (gone, [Phase.EXPAND])])
