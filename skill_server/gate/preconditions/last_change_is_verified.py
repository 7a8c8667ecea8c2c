"""MUST 9: the change before this one was verified; an unverified one blocks the next."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, unmet
from skill_server.model.plan import Plan
from skill_server.model.receipt import EventKind

DUTY = "MUST 9"
TITLE = "Data integrity was verified after the last change"


async def last_change_is_verified(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A passed verification stands after the last change; each change also verifies itself before it says done."""
    last = evidence.history.last_change_seq
    if last == 0:
        return met("nothing was changed yet")
    passed = [
        event
        for event in evidence.events
        if event.seq >= last and event.kind is EventKind.VERIFICATION and event.body["passed"]
    ]
    if not passed:
        return unmet(
            "verification-missing",
            "the last change was not verified, or its verification failed",
            help="Call verify_integrity and mend what it finds.",
            next_tool="verify_integrity",
        )
    return met(f"verified {passed[-1].at:%Y-%m-%d %H:%M} UTC")
