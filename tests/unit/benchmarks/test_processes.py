"""How a server under measurement is spoken to."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.processes import PYTHON, bare_environment, listener

# Answers the first request after the second, with a notification in between.
SERVER = """
import json, sys
first, second = (json.loads(sys.stdin.readline())["id"] for _ in range(2))
for said in ({"id": second, "result": {"turn": 2}}, {"method": "notifications/progress"},
             {"id": first, "result": {"turn": 1}}):
    print(json.dumps({"jsonrpc": "2.0", **said}), flush=True)
sys.stdin.read()
"""


async def test_an_answer_that_comes_early_waits_for_who_asked(tmp_path: Path) -> None:
    """A ping is answered while a backup runs, and whichever ends first must not be taken for the other."""
    command = (PYTHON, "-c", SERVER)
    async with listener(command, environment=bare_environment(tmp_path), folder=tmp_path) as server:
        slow = await server.send("tools/call", name="backup")
        quick = await server.send("ping")

        assert not server.has_answered(quick)
        assert await server.answer(slow) == {"turn": 1}
        assert server.has_answered(quick)
        assert await server.answer(quick) == {"turn": 2}
