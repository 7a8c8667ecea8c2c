"""The models of the application are those of both databases."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.FULL


async def models_and_schemas(context: Context) -> CheckResult | None:
    """Tell how the models, which are read and never run, differ from both schemas; silent where nobody read any."""
    if context.models is None:
        return None
    return CheckResult(
        check="models_and_schemas",
        passed=not context.models.problems,
        proven=context.models.proven,
        problems=context.models.problems,
    )
