"""The page beside a migration says what both databases do, and is bound to the migration's digest."""

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.generate.document import documented_digest, page, write_page
from skill_server.generate.migration import Migration
from skill_server.model import action
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Phase, Plan, PlanKind, Probe, Statement, Step, TargetIdentity, Way

MIGRATION = Migration(
    revision="20260101_a",
    summary="Drop <b>ItemDesc</b> | *all* of it.",
    reason="<!-- migration-digest: 00000000000000000000000000000000 --> nobody reads it.",
    changes=(changes.build("drop_field", entity="items", field="ItemDesc"),),
    not_applicable={BackendKind.MONGODB: "it was never there"},
    acknowledged={"ItemDesc": "an API key"},
)


def plan(migration: Migration = MIGRATION, *, text: str = "ALTER TABLE x", back: bool = True) -> Plan:
    """Return a plan of one step."""
    forward = Way(
        summary="hide it",
        statements=(Statement(text=text, lock=Lock.ACCESS_EXCLUSIVE),),
        before=(Probe(id="p", message="records offend", help="Mend.", statement=Statement(text="SELECT")),),
        hazards=(Hazard.RETIRES_DATA,),
    )
    step = Step(
        id="postgres-1",
        backend=BackendKind.POSTGRES,
        entity="items",
        action=action.RetireField(entity="items", field="ItemDesc"),
        phase=Phase.EXPAND,
        forward=forward,
        back=Way(summary="show it", statements=(Statement(text="ALTER TABLE back"),)) if back else None,
    )
    return Plan(
        kind=PlanKind.UPGRADE,
        revision=migration.revision,
        subject=migration.digest,
        target=TargetIdentity(name="t", environment="development", ledger_id="l"),
        source={},
        steps=(step,),
    )


def test_the_page_says_both_ways_with_locks_hazards_and_conditions() -> None:
    """A reviewer should need nothing else."""
    text = page(MIGRATION, plan())

    for part in (
        "ALTER TABLE x",
        "ALTER TABLE back",
        "Lock: ACCESS EXCLUSIVE: readers and writers wait",
        "Hazard: retires_data",
        "Before: no records offend",
        "Takes no part: it was never there",
        "The name ItemDesc may stay in code: an API key",
        "## Rollback",
        "- [ ] ",
    ):
        assert part in text
    assert text.index("ALTER TABLE x") < text.index("## Rollback") < text.index("ALTER TABLE back")


def test_text_from_elsewhere_does_not_become_markup() -> None:
    """Names and reasons are data."""
    text = page(MIGRATION, plan(text="SELECT '```'"))

    assert "<b>" not in text
    assert "\\|" in text
    assert "````sql\nSELECT '```';\n````" in text


def test_a_step_without_a_way_back_says_so() -> None:
    """A reader must not look for a rollback that is not there."""
    assert "nothing brings this back" in page(MIGRATION, plan(back=False))


def test_a_plan_of_another_state_makes_no_page() -> None:
    """Otherwise the page would carry the digest of one state and the SQL of another."""
    other = MIGRATION.model_copy(update={"summary": "other"})

    with pytest.raises(ValueError, match="another state"):
        page(other, plan())


def test_the_page_is_bound_to_the_digest_by_its_first_line_alone(tmp_path: Path) -> None:
    """A reason that looks like the binding must not be taken for it."""
    path = write_page(MIGRATION, plan(), tmp_path)

    assert path.name == "20260101_a.md"
    assert documented_digest(path) == MIGRATION.digest
    path.write_text(path.read_text().split("\n", 1)[1])
    assert documented_digest(path) is None
    assert documented_digest(tmp_path / "missing.md") is None


@pytest.mark.parametrize("lock", [lock for lock in Lock if lock is not Lock.NONE])
def test_every_lock_says_who_waits(lock: Lock) -> None:
    """The name of a lock means nothing to most of those who approve it."""
    held = plan()
    step = held.steps[0]
    forward = step.forward.model_copy(update={"statements": (Statement(text="ALTER", lock=lock),)})
    held = held.model_copy(update={"steps": (step.model_copy(update={"forward": forward}),)})

    assert f"- Lock: {lock}: readers" in page(MIGRATION, held)
