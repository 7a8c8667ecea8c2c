"""What a client is told of the tools: short, in the order of the workflow, closed, and true."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp.types import Tool

from skill_server import server, tools
from skill_server.workflow import WORKFLOW

LONGEST_DESCRIPTION = 2_000
MOST_CHARACTERS = 4 * 6_000
HEAVY = (
    "asyncpg",
    "bson",
    "jinja2",
    "libcst",
    "motor",
    "pydantic_settings",
    "pymongo",
    "skill_server.application.application",
    "sqlglot",
    "structlog",
    "zstandard",
)
TRIGGERS = ("migrate", "database migration", "schema change", "update database", "db migration")


async def offered() -> list[Tool]:
    """Return the tools as a client sees them."""
    return await server.build().list_tools()


async def test_the_tools_are_those_of_the_workflow_in_its_order_and_two_more() -> None:
    """An order that never changes lets clients cache the list, and a stage without a tool could not be reached."""
    names = [tool.name for tool in await offered()]

    assert [stage.tool for stage in WORKFLOW] == names[: len(WORKFLOW)]
    assert names[len(WORKFLOW) :] == ["get_operation", "migration_status"]


async def test_the_whole_list_stays_under_six_thousand_tokens() -> None:
    """Every conversation of a user pays for the list, whether it migrates anything or not."""
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in await offered()]

    assert len(json.dumps(listed, separators=(",", ":"))) < MOST_CHARACTERS


@pytest.mark.parametrize("tool", tools.discovered(), ids=lambda tool: tool.name)
def test_a_description_is_whole_in_every_client(tool: tools.Tool) -> None:
    """Clients cut descriptions at two kilobytes, and what is needed or comes next must not be lost."""
    assert 200 < len(tool.description) < LONGEST_DESCRIPTION
    assert (
        tool.name == "detect_db_type"
        or "Needs" in tool.description
        or tool.name
        in (
            "get_operation",
            "rehearse_migration",
        )
    )


def test_the_words_that_people_use_lead_to_the_first_tool() -> None:
    """An assistant finds the tools by these words, and must begin at the beginning."""
    first = tools.discovered()[0]

    assert first.name == "detect_db_type"
    assert [word for word in TRIGGERS if word not in first.description] == []
    assert [word for word in TRIGGERS if word not in server.INSTRUCTIONS.replace("\n", " ")] == []


def test_the_instructions_are_short_and_name_every_tool_of_the_workflow() -> None:
    """Clients cut instructions at two kilobytes as well, and the order of calls is their purpose."""
    assert len(server.INSTRUCTIONS.encode()) < 2_048
    assert [stage.tool for stage in WORKFLOW if stage.tool not in server.INSTRUCTIONS] == []


async def test_only_tools_that_change_data_for_good_or_at_all_say_so() -> None:
    """Clients decide by these hints whether to ask before a call."""
    hints = {tool.name: tool.annotations for tool in await offered() if tool.annotations}

    assert {name for name, hint in hints.items() if hint.destructive_hint} == {
        "run_upgrade",
        "run_downgrade",
        "finalize_migration",
        "restore_backup",
    }
    assert {name for name, hint in hints.items() if hint.read_only_hint} == {
        "inspect_schema",
        "migration_status",
        "get_operation",
    }
    assert all(hint.open_world_hint is False for hint in hints.values())


async def test_every_schema_is_closed_and_none_takes_a_url_or_a_confirmation() -> None:
    """An unknown argument that is dropped silently could be the one that a caller relied on."""
    for tool in await offered():
        assert tool.input_schema["additionalProperties"] is False, tool.name
        arguments: dict[str, Any] = tool.input_schema["properties"]
        assert "target" in arguments
        assert not {"url", "dsn", "sql", "confirm", "force", "yes", "approved", "answer"} & arguments.keys()
        assert "$defs" not in tool.input_schema
        change: dict[str, Any] = arguments.get("changes", {}).get("items", {})
        assert not change or change["additionalProperties"] is False
        assert not change or "kind" in change["required"]


def test_listing_the_tools_imports_no_driver_and_no_parser() -> None:
    """A client waits for the list at the start of every session, and most sessions never migrate."""
    script = (
        "import asyncio, sys; from skill_server import server; "
        "asyncio.run(server.build().list_tools()); print(*sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()

    assert "skill_server.tools.run_upgrade" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_a_tool_does_not_import_the_protocol() -> None:
    """The command line calls the same functions, and must not wait for an SDK that it does not use."""
    script = "import sys; from skill_server import tools; tools.discovered(); print('mcp' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    assert printed.strip() == "False"
