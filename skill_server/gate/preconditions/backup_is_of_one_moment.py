"""MUST 3: a backup that was written to while it was taken may mix moments, so it opens no change."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan

DUTY = "MUST 3"
TITLE = "The backup shows each database at one moment"


async def backup_is_of_one_moment(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The receipt of the backup says of each database that everything in it is of one moment."""
    receipt = evidence.backup_for(plan.source) if plan is not None else None
    if receipt is None:
        return not_applicable("there is no backup yet")
    said = receipt.body.get("point_in_time", {})
    torn = [str(kind) for kind in BackendKind if not said.get(kind)]
    if torn:
        return unmet(
            "backup-not-point-in-time",
            f"{' and '.join(torn)} was written to while backup {receipt.bound['label']} was taken, "
            "so its records may be of different moments",
            help="Quiet the application, or use a replica set whose snapshots isolate, and call backup again.",
            next_tool="backup",
        )
    return met(f"backup {receipt.bound['label']} shows each database at one moment")
