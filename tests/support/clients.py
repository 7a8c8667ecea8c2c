"""Real MCP clients of both protocol eras, and a person who answers as the test says."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, ElicitRequestFormParams, ElicitResult

LEGACY = "legacy"
MODERN = "auto"
ERAS = (LEGACY, MODERN)


@dataclass
class Person:
    """Whom a client asks: `answer` is what they do, `asked` what they were shown."""

    answer: ElicitResult
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        """Answer one question."""
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params.message)
        return self.answer


def who_applies() -> Person:
    """Return a person who says yes."""
    return Person(ElicitResult(action="accept", content={"decision": "apply"}))


@asynccontextmanager
async def over_stdio(
    environment: Mapping[str, str], era: str, person: Person | None = None
) -> AsyncGenerator[Client]:
    """Give a client of a server process of its own, as an assistant starts one."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "skill_server", "serve"], env=dict(environment)
    )
    async with Client(stdio_client(server), mode=era, elicitation_callback=person) as client:
        yield client


def answer(result: CallToolResult) -> dict[str, Any]:
    """Return the structured part of a result, once it is sure that the text says the same."""
    content: dict[str, Any] = result.structured_content or {}
    assert content
    assert result.is_error == ("code" in content)
    text = getattr(result.content[0], "text", "")
    assert str(content["summary" if "summary" in content else "message"]) in text
    return content
