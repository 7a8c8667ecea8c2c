"""A second opinion on all golden SQL: squawk finds no blocking lock that the plan does not name.

Unlike the review of a migration, nothing is left out here: every rule that squawk reports has its answer below.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Statement, Way
from skill_server.review import squawk
from tests.golden.plans import HERE, golden_plan

FOLDERS = sorted(path.parent for path in HERE.glob("*/postgres.sql"))
WRITERS_WAIT = frozenset({Lock.SHARE, Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE})
EVERYBODY_WAITS = frozenset({Lock.ACCESS_EXCLUSIVE})
# The locks that a finding speaks of; a plan names one of them beside the statement.
BLOCKING = {
    "adding-field-with-default": EVERYBODY_WAITS,
    "adding-foreign-key-constraint": WRITERS_WAIT,
    "adding-not-nullable-field": EVERYBODY_WAITS,
    "changing-column-type": EVERYBODY_WAITS,
    "constraint-missing-not-valid": WRITERS_WAIT,
    "disallowed-unique-constraint": EVERYBODY_WAITS,
    "require-concurrent-index-creation": WRITERS_WAIT,
    "require-concurrent-index-deletion": EVERYBODY_WAITS,
}
# These hold their lock while all records are read or written, so the plan says besides who waits meanwhile.
LONG = BLOCKING.keys() - {"require-concurrent-index-deletion"}
# What is no lock that blocks for long, or what the product answers by other means.
ANSWERED = {
    **squawk.SUPPRESSED,
    "ban-drop-table": "only empty or kept copies go, and the hazards name it",
    "ban-set-schema": "the rule breaks-old-code answers it",
    "renaming-table": "the rule breaks-old-code answers it",
}
PROVEN = "SET NOT NULL"


@dataclass(frozen=True)
class Said:
    """One finding of squawk, at the statement and the way it is about."""

    rule: str
    statement: Statement
    way: Way


def said(ways: Iterable[Way]) -> list[Said]:
    """Return everything that squawk says of the SQL of some ways, with no rule left out."""
    placed = [(each, way) for way in ways for each in way.statements if each.flow is None]
    starts: list[int] = []
    lines: list[str] = []
    for statement, _ in placed:
        starts.append(len(lines))
        lines += [*statement.text.split("\n"), ";"]
    if not placed:
        return []
    answer = subprocess.run(
        [str(squawk.program()), "--reporter", "json"],
        input="\n".join(lines).encode(),
        capture_output=True,
        cwd="/",
        env={},
        timeout=30,
        check=False,
    )
    found: list[Said] = []
    for report in json.loads(answer.stdout):
        number = sum(start <= int(report["line"]) for start in starts) or 1
        found.append(Said(str(report["rule_name"]), *placed[number - 1]))
    return found


def unnamed(item: Said, plan: Plan) -> str | None:
    """Say what a plan keeps to itself of a finding, or None where it names everything."""
    if item.rule not in BLOCKING:
        return None if item.rule in ANSWERED else f"{item.rule} has no answer: {item.statement.text}"
    if item.statement.lock not in BLOCKING[item.rule]:
        return f"{item.rule}: no lock is named: {item.statement.text}"
    # A valid check makes SET NOT NULL skip its scan (PostgreSQL manual, ALTER TABLE, SET NOT NULL).
    if item.statement.text.endswith(PROVEN) and validated_before(item, plan):
        return None
    waits = {Hazard.BLOCKS_READS, Hazard.BLOCKS_WRITES} & set(item.way.hazards)
    if item.rule in LONG and not (waits and Hazard.SCANS in item.way.hazards):
        return f"{item.rule}: it is not said who waits while records are read: {item.statement.text}"
    return None


def validated_before(item: Said, plan: Plan) -> bool:
    """Say whether the check that a way drops after SET NOT NULL was validated by a step of the same direction."""
    forward = any(step.forward is item.way for step in plan.steps)
    ways = [step.forward if forward else step.back for step in plan.of(BackendKind.POSTGRES)]
    dropped = {each.text.rpartition("DROP CONSTRAINT ")[2] for each in item.way.statements}
    return any(
        each.text.rpartition("VALIDATE CONSTRAINT ")[2] in dropped
        for way in ways
        if way is not None
        for each in way.statements
        if "VALIDATE CONSTRAINT " in each.text
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_no_statement_blocks_anybody_in_a_way_that_its_plan_does_not_name(folder: Path) -> None:
    """People approve by the locks and dangers that a plan names, so a second reader must not find more."""
    plan = golden_plan(folder)
    steps = plan.of(BackendKind.POSTGRES)
    found = [
        *said(step.forward for step in steps),
        *said(step.back for step in reversed(steps) if step.back is not None),
    ]

    assert [line for item in found if (line := unnamed(item, plan))] == []


@pytest.mark.parametrize(
    ("sql", "lock", "hazards"),
    [
        ('CREATE INDEX by_name ON items ("Name")', Lock.NONE, (Hazard.SCANS, Hazard.BLOCKS_WRITES)),
        ('CREATE INDEX by_name ON items ("Name")', Lock.SHARE, (Hazard.SCANS,)),
        ("ALTER TABLE items ADD CONSTRAINT c CHECK (a > 0)", Lock.ACCESS_EXCLUSIVE, ()),
        ("ALTER TABLE items ALTER COLUMN a SET NOT NULL", Lock.ACCESS_EXCLUSIVE, ()),
        ("DROP INDEX by_name", Lock.NONE, ()),
        ("TRUNCATE items CASCADE", Lock.ACCESS_EXCLUSIVE, ()),
        ("ALTER items", Lock.ACCESS_EXCLUSIVE, ()),
    ],
)
def test_a_lock_that_is_not_named_is_noticed(sql: str, lock: Lock, hazards: tuple[Hazard, ...]) -> None:
    """A guard that no plan can fail guards nothing."""
    way = Way(summary="planted", statements=(Statement(text=sql, lock=lock),), hazards=hazards)
    plan = golden_plan(FOLDERS[0])

    assert [line for item in said([way]) if (line := unnamed(item, plan))]


def test_every_answer_is_a_sentence() -> None:
    """An exception without a reason is a hole."""
    assert all(len(reason.split()) > 3 for reason in ANSWERED.values())
    assert not ANSWERED.keys() & BLOCKING.keys() - {"changing-column-type", "adding-not-nullable-field"}
