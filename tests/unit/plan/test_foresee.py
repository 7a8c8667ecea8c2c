"""What a schema looks like after an action, foreseen without asking a database."""

from __future__ import annotations

from typing import get_args

import pytest

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.flow import Assignment, Copy
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Constraint, Dependent, Entity, Field, Index, IndexKey, Snapshot
from skill_server.plan import foresee

TEXT, WHOLE = parse("Text"), parse("Integer")
ITEMS = Entity(
    name="items",
    native_name="items",
    fields=(
        Field(name="id", native_name="id", type=WHOLE, native_type="integer", nullable=False),
        Field(name="note", native_name="note", type=TEXT, native_type="text"),
    ),
    indexes=(
        Index(name="by_note", keys=(IndexKey(field="note"),), definition="CREATE ...", fields=("note",)),
    ),
    constraints=(Constraint(name="noted", kind="check", fields=("note",), definition="CHECK (...)"),),
    dependents=(Dependent(kind="view", name="shown", fields=("note",)),),
    key=("id",),
)
OTHER = Entity(name="owners", native_name="owners")
BEFORE = Snapshot(backend=BackendKind.POSTGRES, entities=(ITEMS, OTHER), fingerprint="known")
RETYPE = actions.RetypeField(entity="items", field="note", was=TEXT, to=WHOLE)
ADD = actions.AddField(entity="items", field="rank", type=WHOLE, nullable=False, default=7)
BUILD = actions.BuildIndex(entity="items", name="by_id", keys=(IndexKey(field="id", descending=True),))
DEFAULT = actions.SetDefault(entity="items", field="note", default="none")
REQUIRE = actions.SetNullable(entity="items", field="note", nullable=False)
NEW = actions.AddEntity(
    entity="visits",
    fields=(actions.FieldSpec(name="id", type=WHOLE), actions.FieldSpec(name="day", type=TEXT)),
    key=("id",),
)
POINT = actions.AddConstraint(
    entity="items",
    name="owned",
    spec=actions.ReferenceSpec(field="id", references="owners", references_field="id", on_delete="cascade"),
)
EVERY: tuple[Action, ...] = (
    ADD,
    ADD.inverse(),
    actions.RenameField(entity="items", field="note", to="remark"),
    actions.RetireField(entity="items", field="note"),
    actions.RestoreField(entity="items", field="gone"),
    RETYPE,
    RETYPE.inverse(),
    BUILD,
    BUILD.inverse(),
    actions.RetireIndex(entity="items", name="by_note"),
    actions.RestoreIndex(entity="items", name="by_gone"),
    actions.PurgeField(entity="items", field="note"),
    actions.PurgeType(entity="items", field="note", to=RETYPE.to),
    DEFAULT,
    actions.Undo(entity="items", undone=DEFAULT),
    REQUIRE,
    REQUIRE.inverse(),
    NEW,
    NEW.inverse(),
    actions.RenameEntity(entity="items", to="goods"),
    actions.MoveEntity(entity="items", was="public", to="archive"),
    actions.RetireEntity(entity="items"),
    actions.PurgeEntity(entity="items"),
    POINT,
    POINT.inverse(),
    actions.RetireConstraint(entity="items", name="noted", of="check", field="note"),
    actions.UpdateValues(entity="items", forward=Assignment(writes=("note",), reads=("id",))),
    actions.CopyRecords(entity="items", copy_of=Copy(entity="owners", mapping={"id": "id"}, key=("id",))),
    actions.PurgeValues(entity="items", fields=("note",)),
    actions.RunRaw(entity="items", postgres=(), mongodb=(), undo_postgres=(), undo_mongodb=()),
)


def items_after(*chosen: Action) -> Entity:
    """Return the items after these actions."""
    snapshot = BEFORE
    for action in chosen:
        snapshot = foresee.after(snapshot, action)
    found = snapshot.entity("items")
    assert found is not None
    return found


def test_every_action_can_be_foreseen() -> None:
    """A plan of several changes renders each on what the ones before it leave."""
    members = get_args(get_args(Action)[0])
    assert {type(action) for action in EVERY} == set(members)


@pytest.mark.parametrize(
    "action", EVERY, ids=[f"{number}-{action.kind}" for number, action in enumerate(EVERY)]
)
def test_a_foreseen_schema_is_marked_and_leaves_other_entities_alone(action: Action) -> None:
    """A foreseen fingerprint must never be taken for one that a database answered."""
    after = foresee.after(BEFORE, action)
    assert after.fingerprint.startswith("foreseen:")
    assert after.entity("owners") == OTHER
    assert BEFORE.entity("items") == ITEMS
    assert foresee.after(BEFORE, action) == after
    assert foresee.after(after, action).fingerprint != after.fingerprint


def test_an_added_field_is_there_with_its_type() -> None:
    """An index built later in the same migration may name it."""
    field = items_after(ADD).field("rank")
    assert field is not None
    assert (field.type, field.nullable, field.default) == (WHOLE, False, "7")
    assert items_after(ADD, ADD.inverse()) == ITEMS


def test_a_renamed_field_is_renamed_wherever_it_is_named() -> None:
    """Indexes, constraints and dependents follow, so that a later change meets the new name."""
    rename = actions.RenameField(entity="items", field="note", to="remark")
    after = items_after(rename)
    assert [field.name for field in after.fields] == ["id", "remark"]
    assert after.indexes[0].keys == (IndexKey(field="remark"),)
    named = [after.indexes[0].fields, after.constraints[0].fields, after.dependents[0].fields]
    assert named == [("remark",)] * 3
    assert items_after(rename, rename.inverse()) == ITEMS
    key = items_after(actions.RenameField(entity="items", field="id", to="number"))
    assert key.key == ("number",)


def test_a_retired_field_takes_its_indexes_and_constraints_along() -> None:
    """Their names are free again for a later change."""
    after = items_after(actions.RetireField(entity="items", field="note"))
    assert [field.name for field in after.fields] == ["id"]
    assert (after.indexes, after.constraints) == ((), ())


def test_a_retyped_field_has_the_new_type_and_back() -> None:
    """A default or index added later is checked against the new type."""
    field = items_after(RETYPE).field("note")
    assert field is not None
    assert field.type == WHOLE
    back = items_after(RETYPE, RETYPE.inverse()).field("note")
    assert back is not None
    assert back.type == TEXT


def test_an_index_is_there_once_built_and_gone_once_dropped() -> None:
    """Its name is taken or free for what comes later."""
    built = items_after(BUILD).index("by_id")
    assert built is not None
    assert (built.keys, built.fields) == (BUILD.keys, ("id",))
    assert items_after(BUILD, BUILD.inverse()) == ITEMS
    assert items_after(actions.RetireIndex(entity="items", name="by_note")).indexes == ()


def test_a_default_and_a_rule_against_empty_values_are_those_of_the_action() -> None:
    """What a later change asks of the field is the answer of the schema that it will meet."""
    field = items_after(DEFAULT, REQUIRE).field("note")
    assert field is not None
    assert (field.default, field.nullable) == ("none", False)
    again = items_after(DEFAULT, REQUIRE, REQUIRE.inverse()).field("note")
    assert again is not None
    assert again.nullable


def test_a_new_entity_is_there_with_a_key_that_is_never_empty() -> None:
    """A reference to it may come later in the same migration."""
    made = foresee.after(BEFORE, NEW).entity("visits")
    assert made is not None
    assert made.key == ("id",)
    assert [(field.name, field.nullable) for field in made.fields] == [("id", False), ("day", True)]
    assert foresee.made(NEW) == ("visits",)


def test_a_renamed_entity_is_renamed_where_others_point_to_it() -> None:
    """A foreign key follows, so a later change of it has to name the new entity."""
    pointing = foresee.after(BEFORE, POINT)
    after = foresee.after(pointing, actions.RenameEntity(entity="owners", to="people"))
    found = after.entity("items")
    assert found is not None
    assert [item.references for item in found.constraints] == [None, "people"]
    assert (after.entity("owners"), after.entity("people") is not None) == (None, True)


def test_a_hidden_entity_takes_the_references_to_it_along() -> None:
    """They are recorded with it, and their names are free."""
    pointing = foresee.after(BEFORE, POINT)
    after = foresee.after(pointing, actions.RetireEntity(entity="owners"))
    found = after.entity("items")
    assert found is not None
    assert [item.name for item in found.constraints] == ["noted"]
    assert after.entity("owners") is None


def test_a_moved_entity_keeps_its_logical_name_where_there_are_schemas_at_all() -> None:
    """MongoDB has none, so there nothing moves."""
    move = actions.MoveEntity(entity="items", was="public", to="archive")
    moved = foresee.after(BEFORE.model_copy(update={"namespaces": ("public",)}), move)
    found = moved.entity("items")
    assert found is not None
    assert (found.native_name, moved.namespaces) == ("archive.items", ("public", "archive"))
    assert items_after(move).native_name == "items"
