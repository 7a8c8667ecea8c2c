"""The folder of changes is the list of changes; arguments are checked, and refusals can be read."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.model import action
from skill_server.model.change import Change
from tests.unit.changes.samples import SAMPLES


def test_the_catalogue_lists_every_file_and_has_a_sample_here() -> None:
    """A change that is a file is a change that authors can ask for, and that these tests see."""
    files = {path.stem for path in Path(inspect.getfile(changes)).parent.glob("*.py")} - {"__init__"}

    assert set(changes.catalogue()) == files == set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_change_undone_twice_is_itself(kind: str) -> None:
    """A downgrade of a downgrade is the upgrade, so nothing may get lost on the way."""
    change = changes.build(kind, **SAMPLES[kind])

    assert change.kind == kind
    assert change.inverse() != change
    assert change.inverse().inverse() == change


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_change_and_its_inverse_expand_to_inverse_actions(kind: str) -> None:
    """The downgrade that a file lists and the undo that the actions know must be the same thing."""
    change = changes.build(kind, **SAMPLES[kind])

    back = [action.inverse(each) for each in reversed(list(change.expand()))]
    assert back == list(change.inverse().expand())


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_change_says_in_one_sentence_what_it_does(kind: str) -> None:
    """People approve sentences, so each names its entity and ends."""
    said = changes.build(kind, **SAMPLES[kind]).describe()

    assert "items" in said
    assert said.endswith(".")


# A copy or a computed field keeps what its undoing needs, and finalizing deletes that and nothing else.
FINALIZED = {
    "drop_field": ["purge_field"],
    "retype_field": ["purge_type"],
    "require_field": ["purge_values"],
    "drop_entity": ["purge_entity"],
    "make_many_to_many": ["purge_values", "purge_field"],
    "embed_entity": ["purge_values", "purge_entity"],
    "extract_entity": ["purge_values", "purge_field"],
    "split_field": ["purge_values", "purge_field"],
    "merge_fields": ["purge_values", "purge_field", "purge_field"],
    "move_fields": ["purge_values", "purge_field"],
    "copy_records": ["purge_values"],
    "transform_fields": ["purge_values"],
}
GONE = {
    "remove_field": {"condition"},
    "rename_field": {"ItemDesc"},
    "drop_field": {"ItemPicture"},
    "rename_entity": {"items"},
    "drop_entity": {"items"},
    "make_many_to_many": {"OwnerID"},
    "embed_entity": {"remarks"},
    "extract_entity": {"Notes"},
    "split_field": {"ItemName"},
    "merge_fields": {"ItemName", "ItemDesc"},
    "move_fields": {"ItemDesc"},
}


def test_only_what_hides_data_has_something_to_finalize() -> None:
    """Finalizing deletes, so it must touch nothing else."""
    finalized = {
        kind: [action.kind for action in changes.build(kind, **arguments).finalize()]
        for kind, arguments in SAMPLES.items()
    }

    assert {kind: kinds for kind, kinds in finalized.items() if kinds} == FINALIZED


@pytest.mark.parametrize("kind", FINALIZED)
def test_everything_that_is_hidden_or_kept_is_finalized_once(kind: str) -> None:
    """What finalizing forgets stays for ever, and what it names twice fails."""
    change = changes.build(kind, **SAMPLES[kind])
    kept = sorted(
        (PURGES[each.kind], each.entity, getattr(each, "field", ""))
        for each in change.expand()
        if each.kind in PURGES and not (isinstance(each, action.UpdateValues) and each.forward is None)
    )

    assert kept == sorted((each.kind, each.entity, getattr(each, "field", "")) for each in change.finalize())


PURGES = {
    "retire_field": "purge_field",
    "retype_field": "purge_type",
    "retire_entity": "purge_entity",
    "update_values": "purge_values",
    "copy_records": "purge_values",
}


def test_names_that_code_must_no_longer_use_are_told() -> None:
    """The search through the code depends on them."""
    told = {
        kind: set(changes.build(kind, **arguments).retired_names()) for kind, arguments in SAMPLES.items()
    }

    assert {kind: names for kind, names in told.items() if names} == GONE


def test_any_change_is_told_apart_by_its_kind_and_offers_no_undoing() -> None:
    """A tool's schema lists what an author may ask for, and nothing that only a downgrade may list."""
    adapter: TypeAdapter[Change] = TypeAdapter(changes.AnyChange)
    schema = adapter.json_schema()

    assert adapter.validate_python({"kind": "add_field", **SAMPLES["add_field"]}) == changes.build(
        "add_field", **SAMPLES["add_field"]
    )
    assert set(schema["properties"]["kind"]["enum"]) == {
        kind for kind, change in changes.catalogue().items() if not change.undo_only
    }


@pytest.mark.parametrize(
    "name", ["", " a", "a$b", "a.b", 'a"b', "a'b", "a`b", "a\x00b", "a\nb", "ä" * 32, "x" * 64, "\ud800"]
)
def test_a_name_that_no_database_could_hold_is_refused(name: str) -> None:
    """Quotes, operators, paths and silent truncation are where names turn into accidents."""
    with pytest.raises(Invalid) as caught:
        changes.build("drop_field", entity="items", field=name)

    assert caught.value.code == "change-not-valid"
    assert caught.value.message.startswith("drop_field cannot be made of these arguments: field: a name")


@pytest.mark.parametrize(
    "name", ["select", "USER", "Order", "2nd", "größe", "a b", "a-b", "_id", "_retired_x"]
)
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("add_field", "field"),
        ("rename_field", "to"),
        ("add_index", "name"),
        ("rename_entity", "to"),
        ("add_check", "name"),
        ("add_relationship", "index"),
        ("change_relationship", "to_name"),
        ("make_many_to_many", "through"),
        ("embed_entity", "field"),
        ("extract_entity", "position"),
    ],
)
def test_a_new_name_must_work_everywhere_without_quotes(kind: str, place: str, name: str) -> None:
    """A reserved word works in one tool and breaks in the next, so it is never given to something new."""
    with pytest.raises(Invalid) as caught:
        changes.build(kind, **{**SAMPLES[kind], place: name})

    assert caught.value.code == "name-not-allowed"


def test_a_downgrade_may_bring_back_an_old_name_that_needs_quotes() -> None:
    """What was there before must come back under the very name that it had."""
    change = changes.build("rename_field", entity="items", field="Item Desc", to="description")

    assert change.inverse().model_dump()["to"] == "Item Desc"


@pytest.mark.parametrize(
    "type_", ["Foo", "String", "String(0)", "Decimal(2,3)", "Integer(4)", "", "String(40"]
)
def test_an_unknown_type_is_refused_with_an_example(type_: str) -> None:
    """The author must see how a type is written."""
    with pytest.raises(Invalid) as caught:
        changes.build("add_field", entity="items", field="condition", type=type_)

    assert "type: " in caught.value.message


def test_a_huge_argument_is_not_echoed() -> None:
    """A refusal is read by people and models, and stored; it must stay small."""
    with pytest.raises(Invalid) as caught:
        changes.build(
            "add_field", entity="x" * 10**6, field="y" * 10**6, type="z" * 10**6, **{"w" * 10**6: 1}
        )

    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "default", [float("nan"), float("inf"), 10**1000, "a\x00b", "\ud800", {"a": [float("nan")]}]
)
def test_a_default_is_a_plain_value(default: Any) -> None:
    """What cannot be written down and read back the same cannot be a default."""
    with pytest.raises(Invalid) as caught:
        changes.build("add_field", entity="a", field="b", type="Json", default=default)

    assert caught.value.code == "change-not-valid"


def test_an_unknown_change_names_the_nearest() -> None:
    """A misspelt kind should cost one retry."""
    with pytest.raises(Invalid) as caught:
        changes.build("ad_field", entity="items")

    assert caught.value.code == "change-unknown"
    assert "add_field" in caught.value.help


def test_an_index_names_each_field_once() -> None:
    """Neither database builds an index over the same field twice."""
    with pytest.raises(Invalid, match="each field once"):
        changes.build("add_index", entity="items", name="ix_new", fields=["a", "-a"])
