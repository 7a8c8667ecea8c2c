"""MUST 10: the plan, and the project's own tests where configured, passed on copies of both databases."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import EventKind

DUTY = "MUST 10"
TITLE = "Both backends were tested"


async def both_backends_are_tested(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The rehearsal covers both databases and holds a passed run of the project's tests for each."""
    if plan is None or plan.kind in (PlanKind.RESTORE, PlanKind.FINALIZE):
        return not_applicable("no schema that the application uses is changed")
    receipt = evidence.latest(EventKind.REHEARSAL, plan=plan.id)
    if receipt is None or not receipt.body["passed"]:
        return unmet(
            "tests-missing",
            "the plan has not passed on copies of both databases",
            help="Call rehearse_migration with this plan_id.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    if not evidence.facts.tests_configured():
        return met("rehearsed on copies of both databases; no test command is configured")
    tested = {test["backend"] for test in receipt.body["tests"] if test["passed"]}
    missing = [kind for kind in BackendKind if kind not in tested]
    if missing:
        return unmet(
            "tests-missing",
            f"the project's tests have not passed against the copy of {' and '.join(missing)}",
            help="Mend the tests or the code, then call rehearse_migration again.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    # Without a digest, of more code than can be read for each answer, nobody can tell.
    now, then = await evidence.facts.tested_files(), receipt.bound.get("files")
    if now is not None and now != then:
        return unmet(
            "tests-outdated",
            "the project's code was changed since its tests ran, so that they passed with other files",
            help="Call rehearse_migration again.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    known = "" if now is not None else ", and whether its code was changed since is not known"
    return met(f"the project's own tests passed against copies of both databases{known}")
