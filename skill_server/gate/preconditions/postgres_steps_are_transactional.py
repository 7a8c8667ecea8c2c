"""MUST 5: each PostgreSQL step rides in a transaction, or is of a kind that cannot and is journalled."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TRANSACTIONAL_PHASES, Phase, Plan, PlanKind

DUTY = "MUST 5"
TITLE = "PostgreSQL changes run in transactions"

# CREATE INDEX CONCURRENTLY refuses a transaction block (PostgreSQL manual, CREATE INDEX); batches commit one by one.
JOURNALLED_PHASES = frozenset({Phase.BACKFILL, Phase.CONCURRENT, Phase.VALIDATE})


async def postgres_steps_are_transactional(plan: Plan | None, evidence: Evidence) -> Verdict:
    """Every PostgreSQL step has a phase that is a transaction or journalled, and no statement breaks out of it."""
    if plan is None or plan.kind is PlanKind.RESTORE:
        return not_applicable("the restored copy is switched in by a rename, not by statements")
    errors = evidence.facts.statement_findings(plan)
    if errors:
        return unmet(
            "statement-refused",
            f"step {errors[0].step}: {errors[0].message}",
            help=errors[0].help,
            next_tool="review_migration",
            revision=plan.revision,
        )
    steps = plan.of(BackendKind.POSTGRES)
    journalled = sum(step.phase in JOURNALLED_PHASES for step in steps)
    loose = [step.id for step in steps if step.phase not in TRANSACTIONAL_PHASES | JOURNALLED_PHASES]
    if loose:
        return unmet("step-not-transactional", f"step {loose[0]} has no safe phase", help="Plan again.")
    return met(f"{len(steps) - journalled} steps in transactions, {journalled} journalled one by one")
