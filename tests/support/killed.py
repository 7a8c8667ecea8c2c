"""The program as a process of its own that is killed at a moment, and the client tools that it had started."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import psutil

from skill_server.embedded.waiting import until
from tests.support.project import Project

WITHIN_S = 30.0
LEDGER = "database_migration"


def tool_of(process: psutil.Process, name: str) -> psutil.Process | None:
    """Return the running client tool of a process; one that is asked for its version alone does not count."""
    for child in process.children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.Error:
            continue
        if words and words[0].endswith(f"/{name}") and "--version" not in words:
            return child
    return None


async def killed_once(
    project: Project, arguments: Sequence[str], has_come: Callable[[psutil.Process], Awaitable[bool]]
) -> None:
    """Run the program on a project, kill it with SIGKILL as soon as a moment has come, and let its lease run out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "skill_server", *arguments),
        env={**project.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=project.root,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    known = psutil.Process(process.pid)
    try:
        async with asyncio.timeout(WITHIN_S):
            while not await has_come(known):
                # The loop looks after the end of the process only when it is given the time.
                await asyncio.sleep(0)
                assert process.returncode is None, "the program ended before the moment"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    await lease_is_over(project)


async def killed_at(project: Project, arguments: Sequence[str], prepare: str) -> None:
    """Run the program after a piece of code that makes it kill itself at a moment too short to be met from outside."""
    code = f"{prepare}\nfrom skill_server.__main__ import main\nmain()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        env={**project.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=project.root,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert process.returncode == -signal.SIGKILL
    await lease_is_over(project)


async def lease_is_over(project: Project) -> None:
    """Let the lease of a dead owner be over by the server's own time, so that nobody waits for it."""
    database = project.on_mongodb()
    async with database.client:
        await database[f"{LEDGER}.lock"].update_one(
            {"_id": "migration"}, {"$set": {"until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )


async def gone(tool: psutil.Process, *, within_s: float = 10.0) -> None:
    """Wait until a process has ended."""
    await until(
        lambda: not tool.is_running() or tool.status() == psutil.STATUS_ZOMBIE,
        within_s=within_s,
        what="the end of an orphaned client tool",
    )
