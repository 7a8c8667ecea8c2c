"""Embedded pairs under test: a place for them, their processes, and owners to be killed."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from skill_server.embedded import place, process
from skill_server.embedded.waiting import until

OWNER = """
import asyncio, sys
from pathlib import Path
from skill_server.embedded import embedded_pair

async def main():
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    async with embedded_pair(directory, durable=False) as pair:
        print(pair.directory, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
ROOT = Path(__file__).parents[2]
WITHIN_S = 30.0


@contextmanager
def folder_for_pairs() -> Generator[Path]:
    """A folder that the account of PostgreSQL can pass through, which pytest's own is not when root runs it."""
    folder = Path(tempfile.mkdtemp(prefix="test-embedded-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def another_owner(*arguments: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Path]]:
    """Another process that owns a pair, and the directory of that pair."""
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, *arguments), stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert owner.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            line = await owner.stdout.readline()
        yield owner, Path(line.decode().strip())
    finally:
        if owner.returncode is None:
            owner.kill()
        await owner.wait()


def pids(directory: Path) -> list[int]:
    """The processes of a pair: its keeper first, then its servers that have not been stopped."""
    known = place.servers(directory)
    running = [server["pid"] for server in known["servers"].values() if server["exit_code"] is None]
    return [known["keeper"], *running]


async def all_gone(processes: list[int], directory: Path) -> None:
    """Wait until none of the processes works on the directory any more."""

    def gone() -> bool:
        return not any(process.runs(pid, str(directory)) for pid in processes)

    await until(gone, within_s=WITHIN_S, what="the end of the servers")


async def ask(url: str, query: str) -> Any:
    """Run one query on PostgreSQL and return its first value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
