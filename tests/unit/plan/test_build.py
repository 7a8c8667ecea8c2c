"""Plans are pure: the same input gives the same plan, and any other input gives another id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from skill_server import changes
from skill_server.errors import Invalid, Refused
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.plan import Phase, Piece, Plan, PlanKind, Statement, TargetIdentity, Way
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.plan import build
from tests.support.evidence import TARGET

PHASES = (Phase.CONTRACT, Phase.EXPAND, Phase.BACKFILL)
ADD = changes.build("add_field", entity="items", field="rank", type="Integer")
DROP = changes.build("drop_field", entity="items", field="note")


def a_snapshot(kind: BackendKind, fingerprint: str = "known") -> Snapshot:
    """Return a schema of one entity with one field."""
    field = Field(name="note", native_name="note", type=parse("Text"), native_type="text")
    entity = Entity(name="items", native_name="items", fields=(field,), key=("id",), records=3, size_bytes=9)
    return Snapshot(backend=kind, entities=(entity,), fingerprint=f"{fingerprint}-{kind}")


def a_way(text: str) -> Way:
    """Return one direction."""
    return Way(summary=text, statements=(Statement(text=text),))


def a_render(kind: BackendKind, *, reversible: bool = True) -> build.Render:
    """Return a renderer that makes a piece in each of several phases, out of order."""

    def render(action: Action, snapshot: Snapshot) -> tuple[Piece, ...]:
        seen = len(next(iter(snapshot.entities)).fields)
        return tuple(
            Piece(
                phase=phase,
                up=a_way(f"{kind} {action.kind} {phase} {seen}"),
                down=a_way(f"undo {kind} {action.kind} {phase}") if reversible else None,
            )
            for phase in PHASES
        )

    return render


def a_request(**words: Any) -> build.Request:
    """Return a migration that adds one field and drops another."""
    given: dict[str, Any] = {
        "revision": "20260101_change",
        "subject": "d" * 32,
        "changes": (ADD, DROP),
        "target": TARGET,
        **words,
    }
    return build.Request(**given)


def a_plan(
    request: build.Request | None = None, snapshots: Mapping[BackendKind, Snapshot] | None = None
) -> Plan:
    """Plan the upgrade."""
    return build.upgrade(
        request or a_request(),
        snapshots or {kind: a_snapshot(kind) for kind in BackendKind},
        {kind: a_render(kind) for kind in BackendKind},
    )


def test_steps_are_ordered_by_phase_first_and_by_database_second() -> None:
    """Phases are barriers across the pair: nothing is closed on one side before the other is filled."""
    steps = a_plan().steps
    assert len(steps) == 2 * 2 * len(PHASES)
    order = list(Phase)
    places = [(order.index(step.phase), list(BackendKind).index(step.backend)) for step in steps]
    assert places == sorted(places)
    assert [step.action.kind for step in steps[:4]] == ["add_field", "retire_field"] * 2


def test_step_ids_count_for_each_database_and_are_unique() -> None:
    """The journal of each database tells its own steps by them."""
    plan = a_plan()
    for kind in BackendKind:
        assert [step.id for step in plan.of(kind)] == [f"{kind}-{number:02d}" for number in range(1, 7)]
    assert len({step.id for step in plan.steps}) == len(plan.steps)


def test_each_action_is_rendered_on_what_the_ones_before_it_leave() -> None:
    """The second change of a migration meets the schema that the first one makes."""
    texts = [step.forward.summary for step in a_plan().of(BackendKind.POSTGRES)]
    assert "postgres add_field expand 1" in texts
    assert "postgres retire_field expand 2" in texts


def test_a_downgrade_is_the_upgrade_backwards() -> None:
    """Each step is undone by its own way back, the last one first."""
    plan = a_plan()
    source = dict.fromkeys(BackendKind, "after")
    back = build.downgrade(plan, source=source, policy={})
    assert back.kind is PlanKind.DOWNGRADE
    assert [step.id for step in back.steps] == [step.id for step in reversed(plan.steps)]
    assert [step.forward for step in back.steps] == [step.back for step in reversed(plan.steps)]
    assert [step.back for step in back.steps] == [step.forward for step in reversed(plan.steps)]
    assert (back.source, back.retired_names) == (source, ())
    assert back.id != plan.id


def test_a_step_without_a_way_back_is_named_and_refused() -> None:
    """Half a downgrade would be worse than none."""
    renders = {kind: a_render(kind, reversible=kind is BackendKind.POSTGRES) for kind in BackendKind}
    plan = build.upgrade(a_request(), {kind: a_snapshot(kind) for kind in BackendKind}, renders)
    with pytest.raises(Refused, match="mongodb-01") as refusal:
        build.downgrade(plan, source=plan.source, policy={})
    assert refusal.value.code == "no-way-back"


def test_the_same_input_gives_the_same_plan() -> None:
    """What was shown and approved is what runs, however often it is planned."""
    assert a_plan() == a_plan()
    assert a_plan().id == a_plan().id
    assert Plan.model_validate(a_plan().model_dump(mode="json")).id == a_plan().id


STAGING = TargetIdentity(name="development", environment="staging", ledger_id="ledger-1")
OTHER_INPUTS: dict[str, dict[str, Any]] = {
    "revision": {"revision": "20260102_change"},
    "migration": {"subject": "e" * 32},
    "changes": {"changes": (ADD,)},
    "order": {"changes": (DROP, ADD)},
    "not-applicable": {"not_applicable": {BackendKind.MONGODB: "no such collection"}},
    "acknowledged": {"acknowledged": ("note",)},
    "target": {"target": STAGING},
    "policy": {"policy": {"batch_records": 7}},
}


@pytest.mark.parametrize("words", OTHER_INPUTS.values(), ids=OTHER_INPUTS.keys())
def test_any_other_request_gives_another_plan_id(words: dict[str, Any]) -> None:
    """Everything that decides what runs is inside the id that a person approves."""
    assert a_plan(a_request(**words)).id != a_plan().id


@pytest.mark.parametrize("kind", list(BackendKind))
def test_another_schema_gives_another_plan_id(kind: BackendKind) -> None:
    """A plan is bound to the schemas it was made for, on both databases."""
    snapshots = {other: a_snapshot(other) for other in BackendKind}
    snapshots[kind] = a_snapshot(kind, "drifted")
    assert a_plan(snapshots=snapshots).id != a_plan().id


def test_more_records_do_not_give_another_plan_id() -> None:
    """Records come and go all day, and an approved plan must not expire because of one."""
    snapshots = {kind: a_snapshot(kind) for kind in BackendKind}
    grown = {
        kind: snapshot.model_copy(
            update={
                "entities": tuple(
                    entity.model_copy(update={"records": 10_000, "size_bytes": 1})
                    for entity in snapshot.entities
                )
            }
        )
        for kind, snapshot in snapshots.items()
    }
    assert a_plan(snapshots=grown).id == a_plan(snapshots=snapshots).id


def test_a_database_that_the_migration_leaves_alone_gets_no_steps() -> None:
    """The reason stands in the plan, where everybody sees it."""
    plan = a_plan(a_request(not_applicable={BackendKind.MONGODB: "kept in PostgreSQL alone"}))
    assert plan.of(BackendKind.MONGODB) == ()
    assert plan.not_applicable == {BackendKind.MONGODB: "kept in PostgreSQL alone"}
    assert set(plan.source) == set(BackendKind)


def test_what_does_not_fit_the_schema_is_refused_with_every_problem() -> None:
    """An author should mend a migration once, not once for each mistake."""
    wrong = (
        changes.build("drop_field", entity="items", field="nothing"),
        changes.build("drop_index", entity="items", name="no_index"),
    )
    with pytest.raises(Invalid) as refusal:
        a_plan(a_request(changes=wrong))
    assert refusal.value.code == "change-does-not-fit"
    found = refusal.value.detail["findings"]
    assert len(found) == 2 * 2
    assert {finding["backend"] for finding in found} == set(BackendKind)


def test_a_plan_names_what_it_touches_and_what_code_must_no_longer_use() -> None:
    """Checks compare all other content, and the contract search looks for these words."""
    plan = a_plan()
    assert plan.touched == ("items.note", "items.rank")
    assert plan.retired_names == ("note",)


def test_a_migration_that_hides_nothing_cannot_be_finalized() -> None:
    """There is nothing to delete, and nothing must be."""
    snapshots = {kind: a_snapshot(kind) for kind in BackendKind}
    with pytest.raises(Refused) as refusal:
        build.finalize(a_request(changes=(ADD,)), snapshots, {kind: a_render(kind) for kind in BackendKind})
    assert refusal.value.code == "nothing-to-finalize"


def test_a_restore_has_no_steps_and_is_bound_to_backup_and_schemas() -> None:
    """It replaces whole databases, so it depends on what they hold now and on nothing else."""
    source = {kind: f"now-{kind}" for kind in BackendKind}
    first = build.restore(label="20261123T101112Z-0a1b2c3d", subject="d" * 32, target=TARGET, source=source)
    other = build.restore(label="20261123T101113Z-0a1b2c3d", subject="d" * 32, target=TARGET, source=source)
    assert (first.kind, first.steps, first.source) == (PlanKind.RESTORE, (), source)
    assert first.id != other.id
