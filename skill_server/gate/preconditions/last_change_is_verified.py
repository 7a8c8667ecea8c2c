"""MUST 9: the change before this one was verified; an unverified one, or a failed verification, blocks the next."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, unmet
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.verify.context import Depth

DUTY = "MUST 9"
TITLE = "Data integrity was verified after the last change"


async def last_change_is_verified(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A verification passed since the last change, and none failed that was not outdone by one of the same depth."""
    last = evidence.history.last_change_seq
    if last == 0:
        return met("nothing was changed yet")
    since = [event for event in evidence.events if event.seq >= last and event.kind is EventKind.VERIFICATION]
    passed = [event for event in since if _passed(event)]
    if (failed := _standing(since)) is not None:
        found = "; ".join(
            f"{check}: {', '.join(problems)}" for check, problems in failed.body.get("failed", {}).items()
        )
        told = f"the {failed.body['depth']} verification of {failed.at:%Y-%m-%d %H:%M} UTC failed"
        told += f": {found}" if found else ""
        # Going back is what a person does about a change that did harm; a restore asks for no verification either.
        if passed and plan is not None and plan.kind is PlanKind.DOWNGRADE:
            return met(f"the change was verified when it was made; {told}")
        return unmet(
            "verification-failed",
            told,
            help=f"Mend what it found, then call verify_integrity with depth {failed.body['depth']}.",
            next_tool="verify_integrity",
            depth=failed.body["depth"],
        )
    if not passed:
        return unmet(
            "verification-missing",
            "the last change was not verified",
            help="Call verify_integrity and mend what it finds.",
            next_tool="verify_integrity",
        )
    return met(f"verified {passed[-1].at:%Y-%m-%d %H:%M} UTC")


def _standing(verifications: list[Event]) -> Event | None:
    """Return the newest failed verification after which none passed that looked at as much."""
    proven = 0
    for event in reversed(verifications):
        depth = Depth[event.body["depth"].upper()]
        if _passed(event):
            proven = max(proven, depth)
        elif depth > proven:
            return event
    return None


def _passed(event: Event) -> bool:
    """Say whether nothing was found, or nothing that the last change has to answer for."""
    return event.body["passed"] or event.body.get("failed") == {}
