"""A tool that takes exactly what its schema says, and answers every failure with a structured refusal.

It is assembled from the SDK's parts, not by `Tool.from_function`, which would derive each schema twice more: half of
the time that listing the tools may take.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import build_resolver_plans
from mcp.server.mcpserver.tools.base import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ConfigDict
from typing_extensions import override

from skill_server import tools
from skill_server.application import arguments as reading
from skill_server.errors import MigrationError
from skill_server.protocol import answers
from skill_server.protocol.schema import lean, of_result

CONTEXT = "ctx"
ANSWER = "answer"


class ClosedArguments(ArgModelBase):
    """Arguments of which none is unknown."""

    model_config = ConfigDict(extra="forbid")


class StrictArguments(FuncMetadata):
    """Arguments read as strict JSON: no unknown name, no number for text, no "yes" for true, no JSON inside text."""

    @override
    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments; raise ValueError where one does not fit."""
        read = cast("ArgModelBase", reading.read(self.arg_model, arguments_to_validate))
        return read.model_dump_one_level()


class StrictTool(Tool):
    """A tool whose failures are results that name what is wrong and what to do."""

    @override
    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Check the arguments, run the tool, and turn what it raises into a refusal."""
        try:
            self.fn_metadata.validate_arguments(arguments)
        except MigrationError as error:
            return answers.refusal(self.name, error)
        except (ValueError, RecursionError) as error:
            return answers.refusal(self.name, reading.complaint(self.name, error))
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            return answers.failure(self.name, error.__cause__ or error)


def assembled(
    described: tools.Tool,
    call: Callable[..., Awaitable[CallToolResult]],
    consent: Callable[..., Awaitable[Any]] | None,
) -> StrictTool:
    """Return the tool that hands its arguments to `call`, with the answer to `consent` where there is one."""
    model = cast("type[ArgModelBase]", reading.model_of(described.run, ClosedArguments))
    asked = {ANSWER: (Resolve(consent), True)} if consent else {}
    return StrictTool(
        fn=call,
        name=described.name,
        title=described.title,
        description=described.description,
        parameters=lean(model.model_json_schema()),
        fn_metadata=StrictArguments(
            arg_model=model,
            output_schema=of_result(described.result),
            output_model=described.result,
        ),
        is_async=True,
        context_kwarg=CONTEXT,
        resolved_params=asked,
        resolver_plans=build_resolver_plans(asked, set(model.model_fields)),
        annotations=ToolAnnotations(
            read_only_hint=described.read_only,
            destructive_hint=described.destructive,
            idempotent_hint=described.idempotent,
            open_world_hint=False,
        ),
    )
