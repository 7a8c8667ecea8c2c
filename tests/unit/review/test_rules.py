"""Each rule fires where it must and is silent where it may be; the folder of rules is the list of rules."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from skill_server import review
from skill_server.model.action import Action, BuildIndex, RetireField, RetypeField, RunRaw
from skill_server.model.finding import FORECAST_RULES, Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.snapshot import Entity, IndexKey, Snapshot
from skill_server.review import rules
from tests.unit.review.plans import plan, step, way

ROOT = Path(__file__).resolve().parents[3]
MONGODB, POSTGRES = BackendKind.MONGODB, BackendKind.POSTGRES


def findings(
    rule: str, reviewed: Plan, snapshots: dict[BackendKind, Snapshot] | None = None
) -> list[Finding]:
    """Return what one rule finds, and check that it speaks in its own name."""
    found = list(review.catalogue()[rule](reviewed, snapshots or {}))
    assert {finding.rule for finding in found} <= {rule}
    return found


def severities(rule: str, reviewed: Plan, **more: Any) -> list[Severity]:
    """Return how much the findings of a rule weigh."""
    return [finding.severity for finding in findings(rule, reviewed, **more)]


def with_hazards(*hazards: Hazard, **more: Any) -> Plan:
    """Return a plan whose one step has these hazards."""
    return plan(step(way("SELECT 1", hazards=hazards)), **more)


def test_every_rule_is_a_file_and_has_a_page() -> None:
    """A finding names its rule, and the page says what to do instead."""
    files = {path.stem for path in Path(inspect.getfile(rules)).parent.glob("*.py")} - {"__init__"}
    pages = {path.stem for path in (ROOT / "docs" / "rules").glob("*.md")} - {"README"}

    assert {name.replace("_", "-") for name in files} == set(review.catalogue()) == pages - FORECAST_RULES


def test_a_harmless_plan_brings_no_finding() -> None:
    """Reviews that always say something are not read."""
    assert review.review(plan(step(), step(backend=MONGODB))) == ()


def test_errors_come_first() -> None:
    """A reader may stop after the first line."""
    found = review.review(with_hazards(Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE, Hazard.DELETES_DATA))

    order = [Severity.ERROR, Severity.WARNING, Severity.NOTE]
    assert [order.index(finding.severity) for finding in found] == sorted(
        order.index(finding.severity) for finding in found
    )
    assert len({finding.severity for finding in found}) == 3


@pytest.mark.parametrize(
    ("records", "size", "fires"), [(99_999, 0, False), (100_000, 0, True), (1, 2**30, True)]
)
def test_blocks_reads_long_weighs_the_size_of_the_entity(records: int, size: int, fires: bool) -> None:
    """A short stop is nobody's concern."""
    entity = Entity(name="items", native_name="items", records=records, size_bytes=size)
    snapshot = Snapshot(backend=POSTGRES, entities=(entity,), fingerprint="f")
    reviewed = with_hazards(Hazard.BLOCKS_READS, Hazard.REWRITES)

    assert (
        severities("blocks-reads-long", reviewed, snapshots={POSTGRES: snapshot})
        == [Severity.WARNING] * fires
    )


def test_blocks_reads_long_needs_both_a_lock_and_long_work() -> None:
    """A lock for a moment, and long work without a lock, are fine; an unknown size counts as large."""
    assert findings("blocks-reads-long", with_hazards(Hazard.BLOCKS_READS)) == []
    assert findings("blocks-reads-long", with_hazards(Hazard.SCANS)) == []
    assert len(findings("blocks-reads-long", with_hazards(Hazard.BLOCKS_READS, Hazard.SCANS))) == 1


def test_retires_data_notes_what_is_kept() -> None:
    """Kept data needs space, and may be meant to go."""
    assert severities("retires-data", with_hazards(Hazard.RETIRES_DATA)) == [Severity.NOTE]
    assert findings("retires-data", with_hazards()) == []


def test_deletes_data_stops_everything_but_finalizing() -> None:
    """An upgrade that deletes could not be undone."""
    assert severities("deletes-data", with_hazards(Hazard.DELETES_DATA)) == [Severity.ERROR]
    assert severities("deletes-data", with_hazards(Hazard.DELETES_DATA, kind=PlanKind.FINALIZE)) == [
        Severity.WARNING
    ]
    assert findings("deletes-data", with_hazards()) == []


A_RAW = RunRaw(
    entity="items",
    postgres=("DELETE FROM items",),
    mongodb=(),
    undo_postgres=(),
    undo_mongodb=(),
    entities=("owners",),
)
EXPIRING = BuildIndex(entity="items", name="i", keys=(IndexKey(field="a"),), expire_after_s=60)


@pytest.mark.parametrize("action", [A_RAW, EXPIRING], ids=["raw", "expiring index"])
def test_deletes_data_only_warns_where_deleting_was_asked_for(action: Action) -> None:
    """What can never be approved is not offered; a person decides, and is told."""
    deleting = step(way("SELECT 1", hazards=(Hazard.DELETES_DATA,)), action=action)

    assert severities("deletes-data", plan(deleting)) == [Severity.WARNING]


def test_deletes_data_lets_a_downgrade_bring_back_what_deletes() -> None:
    """An index that lets records expire was there before, and nobody could undo its removal otherwise."""
    back = with_hazards(Hazard.DELETES_DATA, kind=PlanKind.DOWNGRADE)

    assert severities("deletes-data", back) == [Severity.WARNING]


def test_unknown_effect_says_what_is_not_checked() -> None:
    """Of statements that an author wrote nobody else knows what they do."""
    (finding,) = findings("unknown-effect", plan(step(action=A_RAW)))

    assert (finding.severity, "items, owners" in finding.message) == (Severity.WARNING, True)
    assert findings("unknown-effect", plan(step(way(), action=A_RAW))) == []


def test_breaks_old_code_names_what_goes() -> None:
    """The reader must know what to look for."""
    hiding = step(
        way("SELECT 1", hazards=(Hazard.BREAKS_OLD_CODE,)),
        action=RetireField(entity="items", field="ItemDesc"),
    )
    (finding,) = findings("breaks-old-code", plan(hiding, retired_names=("ItemDesc", "owners")))

    assert finding.severity is Severity.WARNING
    assert "uses ItemDesc of items" in finding.message
    assert findings("breaks-old-code", with_hazards(retired_names=("ItemDesc",))) == []


@pytest.mark.parametrize(
    ("was", "to", "fires"), [("Float", "Integer", True), ("Integer", "BigInteger", False)]
)
def test_lossy_retype_knows_what_a_conversion_can_do(was: str, to: str, fires: bool) -> None:
    """Only a conversion that may lose digits needs a decision."""
    action = RetypeField(entity="items", field="a", was=parse(was), to=parse(to))

    assert severities("lossy-retype", plan(step(action=action))) == [Severity.WARNING] * fires
    assert len(findings("lossy-retype", with_hazards(Hazard.LOSES_PRECISION))) == 1


@pytest.mark.parametrize(
    ("fill", "back", "fires"),
    [
        (None, ('ALTER TABLE "a" ALTER "b" SET  NOT\nNULL',), True),
        (None, ('ALTER TABLE "a" ALTER "b" SET DEFAULT 1', 'ALTER TABLE "a" ALTER "b" SET NOT NULL'), False),
        (None, ("COMMENT ON TABLE a IS 'SET NOT NULL'",), False),
        (None, (), False),
        ("x", ('ALTER TABLE "a" ALTER "b" SET NOT NULL',), False),
    ],
)
def test_not_null_restore_needs_fill_looks_at_the_way_back(
    fill: str | None, back: tuple[str, ...], fires: bool
) -> None:
    """The downgrade must not fail on the first record that was written meanwhile."""
    action = RetireField(entity="items", field="b", fill=fill)

    reviewed = plan(step(back=way(*back), action=action))
    assert severities("not-null-restore-needs-fill", reviewed) == [Severity.WARNING] * fires


def test_one_backend_only_shows_the_reason_and_stops_without_one() -> None:
    """A pair that drifts apart is found by the application first."""
    excused = plan(step(), not_applicable={MONGODB: "it was never there"})
    silent = plan(step())
    contradicted = plan(step(), step(backend=MONGODB), not_applicable={MONGODB: "why"})

    (shown,) = findings("one-backend-only", excused)
    assert (shown.severity, "it was never there" in shown.message) == (Severity.WARNING, True)
    assert severities("one-backend-only", silent) == [Severity.ERROR]
    assert severities("one-backend-only", contradicted) == [Severity.ERROR]
    assert findings("one-backend-only", plan(step(), step(backend=MONGODB))) == []


def test_index_blocks_writes_looks_at_indexes_only() -> None:
    """Other steps that block writes have rules of their own."""
    index = BuildIndex(entity="items", name="i", keys=(IndexKey(field="a"),))
    blocking = way("CREATE INDEX i ON items (a)", hazards=(Hazard.BLOCKS_WRITES,))

    assert severities("index-blocks-writes", plan(step(blocking, action=index))) == [Severity.ERROR]
    assert findings("index-blocks-writes", plan(step(blocking))) == []
    assert findings("index-blocks-writes", plan(step(action=index))) == []


REFUSED_SQL = [
    "BEGIN",
    "commit",
    "ROLLBACK",
    "SAVEPOINT a",
    "RELEASE SAVEPOINT a",
    "START TRANSACTION",
    "END",
    "ABORT",
    "PREPARE TRANSACTION 'x'",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "COPY a FROM PROGRAM 'id'",
    "COPY a TO '/x'",
    "DO $$ BEGIN COMMIT; END $$",
    "CALL f()",
    "EXECUTE f",
    "VACUUM FULL a",
    "EXPLAIN ANALYZE DELETE FROM a",
    "SELECT 1; COMMIT",
    "SELECT 'a\\'; COMMIT; --'",
    "SELECT e'\\''; COMMIT",
    "/* a */ COMMIT",
    "-- a\nCOMMIT",
    "(SELECT 1)",
    "SELECT 'open",
    "SELECT $$ open",
    "",
    " ; ",
    "-- only words",
]
FINE_SQL = [
    'ALTER TABLE "items" RENAME COLUMN "a;b" TO "COMMIT"',
    "UPDATE items SET a = 'x; COMMIT; y'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$ SELECT 1; SELECT 2; $f$",
    "CREATE INDEX CONCURRENTLY i ON items (a) WHERE b ->> 'c' LIKE '%;%';",
    "SET LOCAL lock_timeout = '200ms'",
    "/* ; */ SELECT 1 -- ; COMMIT",
    "WITH a AS (SELECT 1) DELETE FROM items",
    "COMMENT ON COLUMN items.a IS 'BEGIN'",
]


@pytest.mark.parametrize("text", REFUSED_SQL)
def test_transaction_control_in_step_stops_it_in_every_place(text: str) -> None:
    """Both directions and every question asked run with the journal's transaction."""
    for reviewed in (
        plan(step(way(text))),
        plan(step(back=way("SELECT 1", text))),
        plan(step(way("SELECT 1", probes=(text,)))),
    ):
        assert severities("transaction-control-in-step", reviewed) == [Severity.ERROR]


@pytest.mark.parametrize("text", FINE_SQL)
def test_transaction_control_in_step_leaves_plain_statements_alone(text: str) -> None:
    """Words inside names, text, bodies and comments are not statements."""
    assert findings("transaction-control-in-step", plan(step(way(text), way(text)))) == []


def test_transaction_control_in_step_lets_a_question_only_read() -> None:
    """What is asked before a step must not change anything."""
    assert (
        len(findings("transaction-control-in-step", plan(step(way("SELECT 1", probes=("DELETE FROM a",))))))
        == 1
    )


REFUSED_COMMANDS: list[dict[str, Any]] = [
    {"find": "a", "filter": {"$where": "1"}},
    {"pipeline": [{"$group": {"x": {"$accumulator": {}}}}]},
    {"update": {"$set": {"a": {"$function": {"body": "f"}}}}},
    {"pipeline": [{"$facet": {"a": [{"$merge": "b"}]}}]},
    {"pipeline": [{"$out": "b"}]},
    {"mapReduce": "a"},
]


@pytest.mark.parametrize("command", REFUSED_COMMANDS)
def test_server_side_javascript_is_found_at_any_depth_and_in_both_directions(command: dict[str, Any]) -> None:
    """Code on the server does what nobody can read from the plan."""
    named = way("x", command=command)

    assert severities("server-side-javascript", plan(step(named, backend=MONGODB))) == [Severity.ERROR]
    assert severities("server-side-javascript", plan(step(back=named, backend=MONGODB))) == [Severity.ERROR]


def test_server_side_javascript_leaves_other_operators_and_values_alone() -> None:
    """The names of refused operators may be values."""
    fine = way("x", command={"update": "a", "set": {"$set": {"a": "$where", "where": ["$out"]}}})

    assert findings("server-side-javascript", plan(step(fine, backend=MONGODB))) == []
