"""Turn what a tool returned or raised into the result a client gets: structured, and the same as readable text."""

import json
import logging
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, TextContent

from skill_server.errors import MigrationError, Refused
from skill_server.tools import Result

_logger = logging.getLogger(__name__)


def success(result: Result) -> CallToolResult:
    """Return a tool's result for the wire."""
    return _answer(result.model_dump(mode="json"), result.summary, is_error=False)


def failure(tool: str, error: BaseException) -> CallToolResult:
    """Return a refusal for the wire; an error nobody foresaw is logged and told without its text."""
    cause = _single(error)
    if isinstance(cause, MigrationError):
        return refusal(tool, cause)
    if isinstance(cause, ToolError) and not isinstance(cause, UnexpectedToolError):
        # The only thing the SDK itself raises on purpose within a call: an answer that is none to the question.
        return refusal(tool, declined(None))
    # Only the class goes out: the text of a foreign error may hold a URL, a password or a person's data.
    _logger.error("tool %s broke", tool, exc_info=cause)
    return refusal(
        tool,
        MigrationError(
            "internal-error",
            f"{tool} broke with {type(cause).__name__}, which is a fault of this server",
            help="Call migration_status to see where the target stands; the server's log has the details.",
            next_tool="migration_status",
        ),
    )


def refusal(tool: str, error: MigrationError) -> CallToolResult:
    """Return an error of the tree for the wire: what is true now, and the call that mends it."""
    content: dict[str, Any] = {
        "checklist": [],
        "missing": [],
        **error.detail,
        "ok": False,
        "tool": tool,
        "code": error.code,
        "message": error.message,
        "help": error.help,
        "state": error.state,
        "next_tool": error.next_tool,
        "next_args": error.next_args,
    }
    return _answer(content, str(error), is_error=True)


def declined(plan_id: str | None) -> MigrationError:
    """Return the refusal of a plan that the asked person did not approve."""
    return Refused(
        "approval-declined",
        f"no person approved plan {plan_id}" if plan_id else "the answer to the question was not understood",
        help="Ask the person what should be different; do not call again unless they say so.",
    )


def _answer(content: dict[str, Any], sentence: str, *, is_error: bool) -> CallToolResult:
    # Some clients hand their model the text alone, so it must hold everything.
    text = f"{sentence}\n{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}"
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=content, is_error=is_error
    )


def _single(error: BaseException) -> BaseException:
    """Return the one error inside groups of one, as task groups raise them."""
    while isinstance(error, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", error).exceptions
        if len(inner) != 1:
            break
        error = inner[0]
    return cast("BaseException", error)
