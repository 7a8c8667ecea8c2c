"""Connect a tool to the protocol: its arguments, its progress, the question to a person, and the answer."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from skill_server import tools
from skill_server.errors import MigrationError
from skill_server.protocol import answers
from skill_server.protocol.strict import StrictTool, assembled
from skill_server.workflow import WORKFLOW

if TYPE_CHECKING:
    from skill_server.application.application import Application
    from skill_server.application.offering import Call

GetApplication = Callable[[], "Application"]


class Decision(BaseModel):
    """What a person answers; a form that is sent as it opened changes nothing."""

    decision: Literal["do_not_apply", "apply"] = Field(
        default="do_not_apply", description="apply: run exactly this plan on the live databases"
    )


def connect(described: tools.Tool, application: GetApplication) -> StrictTool:
    """Return the tool as the protocol offers it; one that applies plans has a person asked, through the client."""

    async def call(*, ctx: Context[Any, Any], **arguments: Any) -> CallToolResult:
        async def report(done: float, total: float | None, message: str) -> None:
            await ctx.report_progress(done, total, message)

        return answers.success(await described.run(application(), **arguments, progress=report))

    async def call_if_approved(*, ctx: Context[Any, Any], answer: Any, **arguments: Any) -> CallToolResult:
        match answer:
            case AcceptedElicitation(data=None):
                pass
            case AcceptedElicitation(data=Decision(decision="apply")):
                from skill_server.application import offering

                await offering.approve(application(), _call(described, arguments))
            case _:
                raise answers.declined(arguments["plan_id"])
        return await call(ctx=ctx, **arguments)

    if described.applies:
        return assembled(described, call_if_approved, _consent(described, application))
    return assembled(described, call, None)


def _consent(described: tools.Tool, application: GetApplication) -> Callable[..., Awaitable[Any]]:
    """Return the resolver that asks a person, with the arguments that it takes from the call by name."""

    async def ask(ctx: Context[Any, Any], arguments: dict[str, Any]) -> Elicit[Decision] | None:
        # Runs again in every round of the newer protocol, so it must ask the same words and write nothing.
        if arguments["plan_id"] is None or not _can_ask(ctx):
            return None
        from skill_server.application import offering

        try:
            proposal = await offering.to_be_asked(application(), _call(described, arguments))
        except MigrationError:
            # The call itself meets the same refusal, and answers with all of it.
            return None
        return None if proposal is None else Elicit(proposal.question, Decision)

    async def on_revision(
        ctx: Context[Any, Any], revision: str, plan_id: str | None, target: str | None
    ) -> Elicit[Decision] | None:
        return await ask(ctx, {"revision": revision, "plan_id": plan_id, "target": target})

    async def on_label(
        ctx: Context[Any, Any], label: str, plan_id: str | None, target: str | None
    ) -> Elicit[Decision] | None:
        return await ask(ctx, {"label": label, "plan_id": plan_id, "target": target})

    return on_label if "label" in described.run.__annotations__ else on_revision


def _can_ask(ctx: Context[Any, Any]) -> bool:
    """Say whether the client shows forms; one that declares nothing must get a refusal it can act on, not an error."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _call(described: tools.Tool, arguments: dict[str, Any]) -> "Call":
    from skill_server.application.offering import Call
    from skill_server.model.plan import PlanKind

    stage = next(stage for stage in WORKFLOW if stage.tool == described.name)
    subject = arguments["label"] if "label" in arguments else arguments["revision"]
    return Call(PlanKind(stage.name), subject, arguments["plan_id"], arguments["target"])
