"""A wish walked through every stage with a real client: generated, reviewed, proven, approved, applied, verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp import Client

from tests.support.clients import Person, answer
from tests.support.project import Project

LARGEST_RESULT = 40_000


@dataclass
class Walk:
    """One project, the client that works on it, and the person whom it asks."""

    client: Client
    project: Project
    person: Person

    async def called(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer, which must be of a size that an assistant can read."""
        result = await self.client.call_tool(tool, arguments)
        assert len(result.model_dump_json()) < LARGEST_RESULT
        return answer(result)

    async def written(self, summary: str, changes: Sequence[Mapping[str, Any]], **more: Any) -> str:
        """Write a migration and return its revision."""
        made = await self.called(
            "generate_migration",
            summary=summary,
            reason="Asked for.",
            changes=[dict(change) for change in changes],
            **more,
        )
        assert "revision" in made, made
        return made["revision"]

    async def reviewed(self, revision: str) -> dict[str, Any]:
        """Review a migration, of which nothing may be wrong, and return what was told."""
        found = await self.called("review_migration", revision=revision)
        assert found.get("errors") == 0, found
        return found

    async def ended(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Show a plan, prove it, let the person approve it, apply it and verify; return what was shown."""
        shown = await self.called(tool, **arguments)
        assert shown.get("state") == "shown", shown
        named = {**arguments, "plan_id": shown["plan_id"]}
        assert "code" not in await self.called("backup")
        rehearsal = await self.called("rehearse_migration", plan_id=shown["plan_id"])
        assert rehearsal["ok"], rehearsal
        ready = await self.called(tool, **arguments)
        assert (ready["plan_id"], ready["missing"]) == (shown["plan_id"], ["person_approved"]), ready
        asked = len(self.person.asked)
        done = await self.called(tool, **named)
        assert done.get("state") == "applied", done
        assert self.person.asked[asked:] == [shown["plan"]["question"]]
        verified = await self.called("verify_integrity", depth="full")
        assert verified["ok"], verified
        return shown
