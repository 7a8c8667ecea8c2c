"""Every reference leads to a record, on the database that watches over references and on the one that does not."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.defects import over_defects
from skill_server.verify.report import CheckResult

DEPTH = Depth.FULL


async def references(context: Context) -> CheckResult | None:
    """Count the records whose reference leads nowhere."""
    proven = f"every reference was followed to a record, {context.watch}"
    if context.unasked:
        proven += f"; not followed: {'; '.join(context.unasked)}"
    return over_defects(context, "references", proven)
