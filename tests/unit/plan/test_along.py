"""A change of type reaches the fields that point to the field and those that are computed from it."""

from __future__ import annotations

import pytest

from skill_server.errors import Invalid
from skill_server.model import action as actions
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Constraint, Dependent, Entity, Field, Snapshot
from skill_server.plan import along, foresee
from skill_server.plan.sharing import require_apart

WHOLE, BIG, TEXT = parse("Integer"), parse("BigInteger"), parse("Text")


def field(name: str, *, generated: bool = False) -> Field:
    """Return a field of whole numbers."""
    return Field(name=name, native_name=name, type=WHOLE, native_type="integer", generated=generated)


ITEM = Entity(
    name="item",
    native_name="item",
    fields=(field("id"), field("parent"), field("twice", generated=True), field("count")),
    constraints=(
        Constraint(
            name="up",
            kind="foreign_key",
            fields=("parent",),
            definition="",
            references="item",
            references_fields=("id",),
        ),
    ),
    dependents=(Dependent(kind="generated column", name="twice", fields=("parent",)),),
    key=("id",),
)
LINE = Entity(
    name="line",
    native_name="line",
    fields=(field("item"), field("number")),
    constraints=(
        Constraint(
            name="of",
            kind="foreign_key",
            fields=("item",),
            definition="",
            references="item",
            references_fields=("id",),
        ),
    ),
    key=("number",),
)
PLAIN = Entity(name="plain", native_name="plain", fields=(field("id"),), key=("id",))
BEFORE = Snapshot(backend=BackendKind.POSTGRES, entities=(ITEM, LINE, PLAIN), fingerprint="known")
RETYPE = actions.RetypeField(entity="item", field="id", was=WHOLE, to=BIG)
SPELLED = actions.RetypeField(entity="item", field="id", was=WHOLE, to=TEXT)


def test_what_points_to_a_key_and_what_is_computed_from_it_is_touched() -> None:
    """The verification must not take for damage what had to follow, and nothing else may differ."""
    assert along.touched([RETYPE], BEFORE) == {"item.id", "item.parent", "item.twice", "line.item"}
    assert along.entities([RETYPE], BEFORE) == {"item", "line"}


def test_all_of_an_entity_is_touched_when_its_key_is_spelled_differently() -> None:
    """Checksums are keyed by the key as text."""
    assert "item" in along.touched([SPELLED], BEFORE)
    assert "line" not in along.touched([SPELLED], BEFORE)


def test_the_types_of_what_points_to_a_key_are_foreseen() -> None:
    """The models that a plan promises have the new type on both ends of every reference."""
    after = foresee.after(BEFORE, RETYPE)
    types = {
        f"{entity.name}.{item.name}": str(item.type) for entity in after.entities for item in entity.fields
    }
    assert {name for name, kind in types.items() if kind == "BigInteger"} == {
        "item.id",
        "item.parent",
        "line.item",
    }


def test_a_field_beside_a_reference_is_not_renamed_while_its_key_gets_another_type() -> None:
    """The way back makes the rules of the referring entity again, by the names that it had."""
    beside = Dependent(kind="view", name="both", fields=("item", "number"))
    line = LINE.model_copy(update={"dependents": (beside,)})
    snapshot = BEFORE.model_copy(update={"entities": (ITEM, line, PLAIN)})
    rename = actions.RenameField(entity="line", field="number", to="place")
    with pytest.raises(Invalid) as refusal:
        require_apart([RETYPE, rename], {BackendKind.POSTGRES: snapshot})
    assert refusal.value.code == "changes-share-a-definition"
    require_apart([RETYPE, rename], {BackendKind.POSTGRES: BEFORE})
