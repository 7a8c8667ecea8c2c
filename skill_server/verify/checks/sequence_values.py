"""No sequence hands out a number that is taken."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.defects import over_defects
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def sequence_values(context: Context) -> CheckResult | None:
    """Compare what numbers new records with the greatest number there is."""
    return over_defects(context, "sequence_values", "every sequence is ahead of the field that it numbers")
