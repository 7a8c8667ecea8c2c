"""MUST 1: both databases answered, and they are the ones the ledger was written for."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, unmet
from skill_server.model.plan import Plan
from skill_server.model.receipt import EventKind

DUTY = "MUST 1"
TITLE = "The database type was checked"


async def database_type_is_detected(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A detection receipt of these very servers is there and fresh."""
    receipt = evidence.latest(EventKind.DETECTION, **evidence.identity_words)
    if receipt is None or evidence.age_h(receipt) > evidence.policy.detection_max_age_h:
        return unmet(
            "detection-missing",
            "nobody has checked lately which databases these are",
            help="Call detect_db_type.",
            next_tool="detect_db_type",
        )
    return met(f"{receipt.body['summary']}, seen {receipt.at:%Y-%m-%d %H:%M} UTC")
