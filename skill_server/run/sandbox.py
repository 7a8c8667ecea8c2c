"""Runs the source of a Function over plain records, in a process that has nothing: no environment, no files, no net.

What closes it: the check of the source (`model.pure_function`), the few names the source can reach
(`run.sandbox_child`), an isolated Python in an empty folder with an empty environment, and limits on time, memory,
files and processes. It never sees a URL, because nothing but records and the source is sent to it.
"""

import asyncio
import json
import os
import signal
import struct
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from skill_server.backends.records import Native
from skill_server.errors import Invalid, Refused
from skill_server.model import pure_function
from skill_server.model.flow import Function
from skill_server.run import sandbox_child

MEMORY_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What the function made of one record, or why it made nothing."""

    values: Mapping[str, Any] | None = None
    problem: str | None = None


class Child:
    """One closed process; it is killed when the block ends, whatever happened."""

    def __init__(self, function: Function, *, seconds: int) -> None:
        self._function = function
        self._seconds = seconds
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="function-"))
        self._stack.push_async_callback(self._end)
        program = await asyncio.to_thread(Path(sandbox_child.__file__).read_text, "utf-8")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-c", program),
            cwd=folder,
            env={},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,
        )
        try:
            await self._send(self._setting())
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    def _setting(self) -> dict[str, Any]:
        return {
            "source": self._function.source,
            "name": self._function.name,
            "modules": pure_function.MODULES,
            "seconds": self._seconds,
            "limits": {
                "RLIMIT_AS": MEMORY_BYTES,
                "RLIMIT_FSIZE": 0,
                "RLIMIT_NOFILE": 16,
                # A limit of the user, so it does not hold a superuser; nothing in reach starts a process anyway.
                "RLIMIT_NPROC": 0,
                "RLIMIT_CORE": 0,
            },
        }

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def compute(self, records: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Return an answer to each record.

        Raises:
            Refused: the process did not answer in time, died, or answered nonsense (`function-stopped`).
        """
        try:
            async with asyncio.timeout(self._seconds * 2):
                await self._send([sandbox_child.encode(_plain(dict(record))) for record in records])
                answer = await self._receive()
        except (TimeoutError, asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise self._stopped(type(error).__name__) from error
        if "answers" not in answer or len(answer["answers"]) != len(records):
            raise self._stopped(str(answer.get("stopped", "its answer makes no sense"))[:200])
        return [_understood(each) for each in answer["answers"]]

    def _stopped(self, reason: str) -> Refused:
        words = {
            "TimeoutError": f"it did not answer within {self._seconds} s of work",
            "IncompleteReadError": "it used up its time or memory, and its process was ended",
            "BrokenPipeError": "it used up its time or memory, and its process was ended",
        }
        return Refused(
            "function-stopped",
            f"the function {self._function.name} was stopped: {words.get(reason, reason)}",
            help="Correct the function so that it returns for every record, quickly and with a small result.",
        )

    async def _send(self, value: Any) -> None:
        process = self._running()
        text = json.dumps(value).encode()
        if process.stdin is None:
            raise BrokenPipeError
        process.stdin.write(struct.pack(">I", len(text)) + text)
        await process.stdin.drain()

    async def _receive(self) -> dict[str, Any]:
        process = self._running()
        if process.stdout is None:
            raise BrokenPipeError
        (size,) = struct.unpack(">I", await process.stdout.readexactly(4))
        if size > sandbox_child.LARGEST_ANSWER:
            raise ValueError("its answer is too large")
        answer: Any = json.loads(await process.stdout.readexactly(size))
        if not isinstance(answer, dict):
            raise ValueError("its answer makes no sense")  # noqa: TRY004 - one kind of error for every bad answer
        return cast("dict[str, Any]", answer)

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the process runs inside the block only")
        return self._process

    async def _end(self) -> None:
        if self._process is None:
            return
        # It may have ended by itself. The whole session goes, so that nothing it could have started outlives it.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.shield(self._process.wait())


class Sandbox:
    """Computes with one function; its process starts with the first records and ends with the block.

    Raises:
        Invalid: the source is not a pure function (`function-not-pure`).
    """

    def __init__(self, function: Function, *, seconds: int = 20) -> None:
        if (objection := pure_function.objection(function.source, function.name)) is not None:
            raise Invalid(
                "function-not-pure",
                f"the function {function.name} cannot be run: {objection}",
                help="Write one def of one argument that computes with its record alone.",
            )
        self._function = function
        self._seconds = seconds
        self._stack = AsyncExitStack()
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def compute(self, records: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Return an answer to each record.

        Raises:
            Refused: the function does not end or is too large (`function-stopped`), or gives the first record another
                answer in another process (`function-not-pure`).
        """
        if not records:
            return []
        if self._child is None:
            self._child = await self._stack.enter_async_context(Child(self._function, seconds=self._seconds))
            await self._require_same(records[0])
        return await self._child.compute(records)

    async def _require_same(self, record: Mapping[str, Any]) -> None:
        # Another process also has another order of sets, which hides from two calls in one.
        async with Child(self._function, seconds=self._seconds) as other:
            first = await other.compute([record])
        again = [] if self._child is None else await self._child.compute([record])
        if _spelled(first) != _spelled(again):
            raise Refused(
                "function-not-pure",
                f"the function {self._function.name} gave two answers to one record",
                help="Let it use nothing but the record: no clock, and no order of a set.",
            )


def _spelled(answers: Sequence[Answer]) -> str:
    # As text, because NaN is not equal to itself.
    return repr(answers)


def _understood(answer: Any) -> Answer:
    try:
        if "problem" in answer:
            return Answer(problem=str(answer["problem"])[:300])
        return Answer(values=sandbox_child.decode({"$": "map", "v": answer["values"]}))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        return Answer(problem=f"returned a value that cannot be read ({type(error).__name__})")


def _plain(value: Any) -> Any:
    if isinstance(value, Native):
        return value.text
    if isinstance(value, list):
        return [_plain(part) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in cast("dict[str, Any]", value).items()}
    for kind in (int, bytes):
        # A database may tell its own widths and kinds of these apart, which a pure function does not.
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value
