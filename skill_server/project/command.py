"""Run the project's own tests against copies, in an environment that knows nothing of the live databases."""

import asyncio
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from skill_server.errors import Refused
from skill_server.model.base import Frozen

TAIL_BYTES = 64 * 1024
# How long to wait for output that something which left the command's process group still holds open.
DRAIN_S = 1.0
MASK = "•••"
_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^\s/@'\"]+@")


class TestRun(Frozen):
    """What a test command did; `exit_code` is None where it was stopped because its time was over."""

    passed: bool
    exit_code: int | None
    seconds: float
    tail: str


async def run_tests(
    command: Sequence[str], directory: Path, variables: Mapping[str, str], timeout_s: float
) -> TestRun:
    """Run a command in a folder with nothing in its environment but PATH, LANG, a fresh HOME, and `variables`.

    The command and all that it started are ended when its time is over, when the call is cancelled, and when the
    command itself has ended. The tail of its output comes back with passwords masked.

    Raises:
        Refused: the command cannot be started (`test-command-missing`).
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tests-home-", ignore_cleanup_errors=True) as home:
        output = await _Output.open()
        try:
            process = await _start(command, directory, _environment(home, variables), output.writing)
            try:
                code = await asyncio.wait_for(process.wait(), timeout_s)
            except TimeoutError:
                code = None
            finally:
                # Also after a normal end: what the command left behind must not write to the copies later.
                _end(process.pid)
                await asyncio.shield(process.wait())
            tail = await output.tail()
        finally:
            output.close()
    return TestRun(
        passed=code == 0,
        exit_code=code,
        seconds=round(time.monotonic() - begun, 3),
        tail=mask(tail.decode("utf-8", "replace"), variables),
    )


def mask(text: str, variables: Mapping[str, str]) -> str:
    """Return text without the passwords that these variables hold, and without user names and passwords in URLs."""
    for secret in sorted(set(_secrets(variables)) - {""}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _USER_INFO.sub(f"{MASK}@", text)


def _secrets(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        if _SECRET_NAME.search(name) and value:
            yield value
        _, found, rest = value.partition("://")
        if not found:
            continue
        # Not only `urlsplit`: a password may hold what a URL should have escaped.
        user_info = rest.rpartition("@")[0]
        password = user_info.partition(":")[2]
        if password:
            yield from (password, unquote(password))
        options = value.partition("?")[2].split("&")
        yield from (option.partition("=")[2] for option in options if _SECRET_NAME.search(option))


def _environment(home: str, variables: Mapping[str, str]) -> dict[str, str]:
    # PATH is where programs are, and no secret; everything else of this process stays with it.
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", **variables}


class _Output:
    """The last part of what a command prints, read through a pipe of our own.

    asyncio's own pipe would make waiting for the command wait for everything that inherited the pipe as well.
    """

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport, writing: int) -> None:
        self.writing = writing
        self._transport = transport
        self._kept = bytearray()
        self._cut = False
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def open(cls) -> Self:
        """Return an empty output; `writing` is the descriptor to print to."""
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        return cls(reader, transport, writing)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while part := await reader.read(65536):
            self._kept += part
            self._cut = self._cut or len(self._kept) > TAIL_BYTES
            del self._kept[:-TAIL_BYTES]

    async def tail(self) -> bytes:
        """Return what was kept, from the beginning of a line: half a password could not be masked."""
        self._stop_writing()
        await asyncio.wait({self._reading}, timeout=DRAIN_S)
        return bytes(self._kept).partition(b"\n")[2] if self._cut else bytes(self._kept)

    def close(self) -> None:
        """Give both ends of the pipe back."""
        self._stop_writing()
        self._reading.cancel()
        self._transport.close()

    def _stop_writing(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


async def _start(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], output: int
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except (OSError, ValueError, TypeError) as error:
        raise Refused(
            "test-command-missing",
            f"the test command cannot be started in {directory.name}: {type(error).__name__}",
            help="Correct the test command in the configuration; it is a list of words, run without a shell.",
        ) from error


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
