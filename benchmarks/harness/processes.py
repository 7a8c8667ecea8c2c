"""Programs under measurement: started with nothing of this shell in their environment, awaited with an end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
# A list of tools is one line, longer than what a stream takes by default.
LINE_LIMIT_BYTES = 16 * 1024 * 1024
ANSWER_WITHIN_S = 120.0
GONE_WITHIN_S = 10.0


def bare_environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing is configured."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(CHECKOUT)}


async def output(command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        RuntimeError: it failed, or did not end in time.
    """
    async with _started(command, environment, folder) as process:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                printed, complaints = await process.communicate()
        except TimeoutError as error:
            raise RuntimeError(f"{command[:4]} did not end in {ANSWER_WITHIN_S:.0f} s") from error
        if process.returncode != 0:
            said = (complaints or printed).decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command[:4]} ended with status {process.returncode}: {said}")
    return printed.decode()


@asynccontextmanager
async def listener(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> AsyncGenerator[LineServer]:
    """Start a server that speaks JSON-RPC on standard input and output, one message a line."""
    async with _started(command, environment, folder) as process:
        yield LineServer(process)


class LineServer:
    """A connection to such a server; it knows no protocol library, which would cost time on our side."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the server was started without pipes")
        self._input, self._answers, self._complaints = process.stdin, process.stdout, process.stderr
        self._last_id = 0
        self._early: dict[int, dict[str, Any]] = {}

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result.

        Raises:
            RuntimeError: the server ended, answered an error, or did not answer in time.
        """
        return await self.answer(await self.send(method, **params))

    async def send(self, method: str, **params: Any) -> int:
        """Send a request whose result `answer` returns later; others may be asked meanwhile."""
        self._last_id += 1
        await self.tell(method, id=self._last_id, params=params)
        return self._last_id

    def has_answered(self, request: int) -> bool:
        """Say whether the answer to a request came in while others were waited for."""
        return request in self._early

    async def answer(self, request: int) -> dict[str, Any]:
        """Return the result of a request.

        Raises:
            RuntimeError: as of `ask`.
        """
        while request not in self._early:
            said = await self._next(request)
            # Notifications have no id; nobody asked for them.
            if "id" in said and "method" not in said:
                self._early[said["id"]] = said
        answer = self._early.pop(request)
        if "result" not in answer:
            raise RuntimeError(f"request {request} was answered with {str(answer)[:500]}")
        return answer["result"]

    async def _next(self, request: int) -> dict[str, Any]:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                line = await self._answers.readline()
        except TimeoutError as error:
            raise RuntimeError(f"no answer to request {request} in {ANSWER_WITHIN_S:.0f} s") from error
        if not line:
            complaints = (await self._complaints.read()).decode(errors="replace")[-2000:]
            raise RuntimeError(f"the server ended before it answered request {request}: {complaints}")
        said: dict[str, Any] = json.loads(line)
        return said

    async def tell(self, method: str, **parts: Any) -> None:
        """Send a message without waiting for an answer."""
        message = {"jsonrpc": "2.0", "method": method, **parts}
        self._input.write(json.dumps(message).encode() + b"\n")
        await self._input.drain()


@asynccontextmanager
async def _started(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd=folder, limit=LINE_LIMIT_BYTES
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            await _ended(process)


async def _ended(process: Process) -> None:
    # A server over standard input and output goes when its input ends.
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
