"""Every record keeps the rules of its database, also one that came in while nobody asked for them."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.defects import over_defects
from skill_server.verify.report import CheckResult

DEPTH = Depth.FULL


async def rule_violations(context: Context) -> CheckResult | None:
    """Count the records that break a validator, or a constraint that was never validated."""
    return over_defects(
        context,
        "rule_violations",
        "every record keeps the validator of its entity and every constraint that was never validated",
    )
