"""Rendering: pure, complete both ways, and refused where MongoDB cannot do it safely."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.operations.operations import read_change, read_question
from skill_server.backends.mongo.render.dispatch import render
from skill_server.errors import MigrationError
from skill_server.model.action import (
    Action,
    AddField,
    PurgeField,
    RenameField,
    RestoreField,
    RetireField,
    RetypeField,
)
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.plan import Phase, Piece
from skill_server.model.snapshot import Entity, Field, Index, Snapshot

TEXT = parse("Text")
NAMES = NameMap(
    entities={
        "items": EntityNames(
            postgres="items", mongodb="item", fields={"ItemDesc": {BackendKind.MONGODB: "desc"}}
        )
    }
)


def field(name: str, native: str | None = None) -> Field:
    """Return a text field."""
    return Field(name=name, native_name=native or name, type=TEXT, native_type="string")


def schema(**changes: Any) -> Snapshot:
    """Return a schema with one entity."""
    entity = Entity(name="items", native_name="item", fields=(field("a"), field("ItemDesc", "desc")))
    return Snapshot(
        backend=BackendKind.MONGODB, entities=(entity.model_copy(update=changes),), fingerprint=""
    )


def rendered(action: Action, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Render with the name map of these tests."""
    return render(action, snapshot, NAMES, migration="20260101_change")


def test_every_statement_and_probe_is_of_the_closed_set() -> None:
    """What a plan stores is exactly what can be run."""
    index = Index(
        name="desc_1",
        keys=(),
        unique=True,
        fields=("ItemDesc",),
        definition=ejson.dumps({"v": 2, "key": {"desc": 1}, "name": "desc_1", "unique": True}),
    )
    rules = {"$jsonSchema": {"required": ["desc"], "properties": {"desc": {"bsonType": "string"}}}}
    snapshot = schema(indexes=(index,), validator=rules)
    for action in (
        RenameField(entity="items", field="ItemDesc", to="description"),
        RetireField(entity="items", field="ItemDesc"),
        RetypeField(entity="items", field="ItemDesc", was=TEXT, to=parse("Integer")),
        AddField(entity="items", field="n", type=parse("Integer"), nullable=False, default=1),
    ):
        pieces = rendered(action, snapshot)
        assert [piece.phase for piece in pieces] == sorted(
            (piece.phase for piece in pieces), key=list(Phase).index
        )
        for piece in pieces:
            assert piece.down is not None
            for way in (piece.up, piece.down):
                assert way.statements
                for statement in way.statements:
                    assert '"item"' in statement.text or "kept_" in statement.text
                    assert read_change(json.loads(json.dumps(statement.command)))
                for probe in (*way.before, *way.after):
                    assert read_question(json.loads(json.dumps(probe.statement.command)))


def test_names_are_mapped_to_what_the_server_knows() -> None:
    """The migration speaks of `ItemDesc`, the documents of `desc`."""
    (piece,) = rendered(RenameField(entity="items", field="ItemDesc", to="description"), schema())
    command = piece.up.statements[0].command
    assert command == {"op": "rename_values", "collection": "item", "field": "desc", "to": "description"}


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        (RetireField(entity="none", field="a"), {}, "entity-missing"),
        (RetireField(entity="items", field="_id"), {}, "field-not-changeable"),
        (RetireField(entity="items", field="zzz"), {}, "field-missing"),
        (RetireField(entity="items", field="a"), {"options": {"kind": "view"}}, "entity-not-changeable"),
        (
            RetireField(entity="items", field="a"),
            {"options": {"kind": "timeseries"}},
            "entity-not-changeable",
        ),
        (RetireField(entity="items", field="a"), {"options": {"capped": True}}, "entity-not-changeable"),
        (RetireField(entity="items", field="a"), {"options": {"shardKey": ["a"]}}, "shard-key"),
        (RenameField(entity="items", field="a", to="ItemDesc"), {}, "field-exists"),
        (AddField(entity="items", field="a", type=TEXT), {}, "field-exists"),
        (AddField(entity="items", field="n", type=TEXT, nullable=False), {}, "default-missing"),
        (AddField(entity="items", field="n", type=parse("Integer"), default="x"), {}, "value-not-of-type"),
        (
            RetypeField(entity="items", field="a", was=parse("Binary"), to=parse("Integer")),
            {},
            "conversion-unknown",
        ),
        (RestoreField(entity="items", field="a"), {}, "undo-only"),
        (
            RetireField(entity="items", field="a"),
            {"validator": {"name": {"$regex": "^x"}}},
            "validator-not-understood",
        ),
        (
            RetireField(entity="items", field="a"),
            {"indexes": (Index(name="i", keys=(), definition="", fields=("a",)),)},
            "index-not-settled",
        ),
    ],
)
def test_what_cannot_be_done_safely_is_refused(action: Action, changes: dict[str, Any], code: str) -> None:
    """A refusal at planning costs nothing; a surprise half-way costs a restore."""
    with pytest.raises(MigrationError) as refusal:
        rendered(action, schema(**changes))
    assert refusal.value.code == code


def test_a_view_that_reads_the_field_is_named() -> None:
    """The view would go on and show nothing for the field."""
    view = Entity(
        name="v",
        native_name="v",
        options={"kind": "view", "viewOn": "item", "pipeline": [{"$project": {"x": "$a"}}]},
    )
    snapshot = schema()
    snapshot = snapshot.model_copy(update={"entities": (*snapshot.entities, view)})
    with pytest.raises(MigrationError, match="the view v reads a"):
        rendered(RetireField(entity="items", field="a"), snapshot)
    assert rendered(RetireField(entity="items", field="ItemDesc"), snapshot)


def test_deleting_for_good_has_no_way_back() -> None:
    """Nothing but a backup brings purged values back, and the plan must not claim otherwise."""
    (piece,) = rendered(PurgeField(entity="items", field="a"), schema())
    assert (piece.phase, piece.down) == (Phase.FINALIZE, None)
    retired = rendered(RetireField(entity="items", field="a"), schema())[0].up.statements[0].command
    purged = piece.up.statements[0].command
    assert retired is not None
    assert purged is not None
    assert retired["kept"] == purged["kept"]


def test_two_renames_in_one_index_are_refused() -> None:
    """The second would rebuild the index on a field that is gone by then."""
    definition = ejson.dumps({"v": 2, "key": {"a": 1, "desc": 1}, "name": "x"})
    foreseen = Index(name="x", keys=(), definition=definition, fields=("b", "ItemDesc"))
    with pytest.raises(MigrationError) as refusal:
        rendered(RenameField(entity="items", field="ItemDesc", to="description"), schema(indexes=(foreseen,)))
    assert refusal.value.code == "index-not-settled"
