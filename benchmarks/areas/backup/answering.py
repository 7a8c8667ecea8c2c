"""A ping to the server while it backs up both databases, against the same ping while it has nothing to do."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from benchmarks.harness.processes import CHECKOUT, PYTHON, LineServer, listener
from examples.demo.stage import set_up

ITEMS = {Scale.SMALL: 5_000, Scale.LARGE: 50_000}
PROTOCOL_VERSION = "2025-11-25"
SERVE = (PYTHON, "-m", "skill_server", "serve")
PING_EVERY_S = 0.01
LEAST_PINGS, IDLE_PINGS = 100, 300
MILLISECONDS = "ms"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        async with (
            set_up(Path(name), ITEMS[scale], lambda _line: None) as stage,
            listener(SERVE, environment=stage.environment, folder=CHECKOUT) as server,
        ):
            await _begin(server)

            async def product(lap: Lap) -> None:
                backup = await server.send("tools/call", name="backup", arguments={})
                waits: list[float] = []
                while not server.has_answered(backup):
                    waits.append(await _ping(server))
                answered = await server.answer(backup)
                if answered.get("isError"):
                    raise RuntimeError(f"the backup failed: {str(answered)[:1000]}")
                lap.note(MILLISECONDS, _p99(waits))

            async def peer(lap: Lap) -> None:
                lap.note(MILLISECONDS, _p99([await _ping(server) for _ in range(IDLE_PINGS)]))

            yield Rivals(product=product, peer=peer)


async def _begin(server: LineServer) -> None:
    await server.ask(
        "initialize",
        protocolVersion=PROTOCOL_VERSION,
        capabilities={},
        clientInfo={"name": "benchmark", "version": "1"},
    )
    await server.tell("notifications/initialized")
    detected = await server.ask("tools/call", name="detect_db_type", arguments={})
    if detected.get("isError"):
        raise RuntimeError(f"the databases were not recognised: {str(detected)[:1000]}")


async def _ping(server: LineServer) -> float:
    """Return how many milliseconds the answer took."""
    await asyncio.sleep(PING_EVERY_S)
    began = time.perf_counter()
    await server.ask("ping")
    return (time.perf_counter() - began) * 1000


def _p99(waits: list[float]) -> float:
    if len(waits) < LEAST_PINGS:
        raise RuntimeError(f"{len(waits)} pings say nothing about the slowest in a hundred")
    return statistics.quantiles(waits, n=100)[-1]


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="ping",
            what="slowest ping in a hundred to the server while it backs up both databases",
            target=20,
            limit=50,
            quantity=MILLISECONDS,
            absolute=True,
        ),
        Bar(
            id="ping-growth",
            what="slowest ping in a hundred while the server backs up / while it is idle",
            target=5,
            limit=10,
            quantity=MILLISECONDS,
        ),
    ),
    rivals=_rivals,
)
