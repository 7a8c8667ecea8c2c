"""One client tool as a child: its pipes, its exit, and its end when we end.

It has a process group of its own, which is killed when the block is left early. When this program itself is killed,
the tool loses its pipe and ends at its next read or write.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from skill_server.backends.postgres.failures import capped

# What logging in may need besides the URL: password file, Kerberos tickets, and where libraries and certificates lie.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "KRB5CCNAME", "PGPASSFILE")
_CHUNK = 1 << 18
_KEPT_COMPLAINT = 16_384


class Child:
    """A running client tool; `complaint` is the beginning of what it wrote to standard error."""

    def __init__(self, process: asyncio.subprocess.Process, secret: str | None) -> None:
        self._process = process
        self._secret = secret
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen())

    @property
    def complaint(self) -> str:
        """What the tool complained of, without the password."""
        text = self._said.decode(errors="replace")
        return text.replace(self._secret, "•••") if self._secret else text

    @property
    def first_error(self) -> str:
        """The tool's first error in one short line; later lines may quote stored values."""
        lines = [line for line in self.complaint.splitlines() if line.strip()]
        return capped(next((line for line in lines if "error:" in line), lines[0] if lines else "no message"))

    async def read(self) -> bytes:
        """Return the next piece of standard output, empty at its end."""
        assert self._process.stdout is not None  # noqa: S101 -- opened so by `running`
        return await self._process.stdout.read(_CHUNK)

    async def feed(self, piece: bytes) -> bool:
        """Write to standard input; False when the tool no longer listens, whose exit code then says why."""
        assert self._process.stdin is not None  # noqa: S101 -- opened so by `running`
        try:
            self._process.stdin.write(piece)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    async def exit_code(self) -> int:
        """Close standard input and wait for the end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
            with suppress(BrokenPipeError, ConnectionResetError):
                await self._process.stdin.wait_closed()
        code = await self._process.wait()
        await self._listening
        return code

    async def end(self) -> None:
        """Kill the whole group if it still runs, and wait until it is gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdout is not None:
            # A pipe that nobody empties is never closed.
            while await self._process.stdout.read(_CHUNK):
                pass
        await self.exit_code()

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 -- opened so by `running`
        while piece := await self._process.stderr.read(_CHUNK):
            self._said += piece[: max(0, _KEPT_COMPLAINT - len(self._said))]


@asynccontextmanager
async def running(
    program: Path, arguments: Sequence[str], variables: Mapping[str, str], *, fed: bool
) -> AsyncGenerator[Child]:
    """Run a program with standard input (`fed`) or standard output piped; it is gone when the block is left."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    piped, closed = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=piped if fed else closed,
        stdout=closed if fed else piped,
        stderr=piped,
        env=environment | {"LC_ALL": "C"} | dict(variables),
        start_new_session=True,
        limit=4 * _CHUNK,
    )
    child = Child(process, variables.get("PGPASSWORD"))
    try:
        yield child
    finally:
        await asyncio.shield(child.end())
