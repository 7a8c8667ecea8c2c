"""From the start of the process to the first list of tools: what a client waits for when it opens a conversation."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale, Side
from benchmarks.harness.processes import CHECKOUT, PYTHON, bare_environment, listener

PRODUCT = (PYTHON, "-m", "skill_server", "serve")
PEER = (PYTHON, str(CHECKOUT / "benchmarks" / "peers" / "empty_server.py"))
PROTOCOL_VERSION = "2025-11-25"


@asynccontextmanager
async def _rivals(_scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        yield Rivals(product=_side(PRODUCT, folder, least_tools=1), peer=_side(PEER, folder, least_tools=0))


def _side(command: Sequence[str], folder: Path, *, least_tools: int) -> Side:
    async def run(lap: Lap) -> None:
        # The end of the server is awaited outside of the time: nobody waits for it.
        async with AsyncExitStack() as stack:
            with lap.timed():
                server = await stack.enter_async_context(
                    listener(command, environment=bare_environment(folder), folder=folder)
                )
                await server.ask(
                    "initialize",
                    protocolVersion=PROTOCOL_VERSION,
                    capabilities={},
                    clientInfo={"name": "benchmark", "version": "1"},
                )
                await server.tell("notifications/initialized")
                listed = await server.ask("tools/list")
        if len(listed["tools"]) < least_tools:
            raise RuntimeError("the server listed no tools")

    return run


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="tools-list",
            what="process start to first tools/list, nothing configured / an empty MCPServer over stdio",
            target=1.08,
            limit=1.2,
        ),
    ),
    rivals=_rivals,
    # A run takes half a second, and the aim lies close to the peer: many turns cost little.
    runs=11,
)
