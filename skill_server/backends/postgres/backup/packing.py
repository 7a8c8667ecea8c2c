"""A stream on its way to the disk and back: packed, sealed where asked, and hashed on both sides of that.

All of it happens in threads, so that whoever else uses the event loop is answered meanwhile.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO, cast

import anyio
import zstandard
from typing_extensions import Buffer

from skill_server.backends.postgres.backup import archive
from skill_server.backends.sealing import Seal

# Packing is what a dump waits for. Slower parameters make short rows 7 % smaller in three times the time; rows with
# longer text are smaller than the gzip of pg_dump at this level already.
_LEVEL = 1
# A thread is worth its start, and a few of them at once stay far below the memory that the process may use.
_PIECE = 1 << 20


class _Thread:
    """One call at a time in a thread; cancelling the caller does not end it, so it is waited for."""

    def __init__(self) -> None:
        self._busy: asyncio.Future[object] | None = None

    def begin(self, work: Callable[..., object], *arguments: object) -> None:
        self._busy = asyncio.get_running_loop().run_in_executor(None, work, *arguments)

    async def done(self) -> object:
        return await asyncio.shield(self._busy) if self._busy is not None else None

    async def settled(self, close: Callable[[], object]) -> None:
        """Wait until no thread uses the file, and close what lies between, whoever is cancelled meanwhile."""
        # anyio cancels every wait of a cancelled caller anew, unless it is shielded.
        with anyio.CancelScope(shield=True):
            if self._busy is not None:
                await asyncio.wait({self._busy})
                # Its error was raised by `done`, or gives way to the one that ended the block.
                self._busy.exception()
            await asyncio.shield(asyncio.to_thread(close))


class Packed:
    """What is written goes packed, and sealed where a seal is given, into a file; both streams are hashed.

    One piece is packed in a thread while the next one is gathered.
    """

    def __init__(self, file: io.FileIO, seal: Seal | None) -> None:
        self._stored, self._seal = _Hashed(file), seal
        self._sealed: BinaryIO | None = None
        self._pack = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        self._plain_hash = hashlib.sha256()
        self._gathered = bytearray()
        self._thread = _Thread()
        self.plain_bytes = 0

    async def write(self, piece: Buffer) -> None:
        """Take a piece of the plain stream.

        Raises:
            OSError: an earlier piece could not be written.
        """
        self._gathered += piece
        if len(self._gathered) >= _PIECE:
            await self._pass_on()

    async def finish(self) -> archive.Stored:
        """Write what is still held, and return what became of the stream."""
        await self._pass_on()
        await self._thread.done()
        self._thread.begin(self._end)
        await self._thread.done()
        return archive.Stored(
            sha256=self._stored.hexdigest(),
            size_bytes=self._stored.size_bytes,
            plain_sha256=self._plain_hash.hexdigest(),
            plain_bytes=self.plain_bytes,
        )

    async def settle(self) -> None:
        """Wait until no thread uses the file."""
        await self._thread.settled(self._close)

    async def _pass_on(self) -> None:
        await self._thread.done()
        piece, self._gathered = self._gathered, bytearray()
        self._thread.begin(self._write, piece)

    def _write(self, piece: bytearray) -> None:
        self._plain_hash.update(piece)
        self.plain_bytes += len(piece)
        self._put(self._pack.compress(piece))

    def _end(self) -> None:
        self._put(self._pack.flush())
        if self._sealed is not None:
            self._sealed.close()

    def _put(self, packed: bytes) -> None:
        if self._seal is not None and self._sealed is None:
            self._sealed = self._seal.writing(cast("BinaryIO", self._stored))
        if packed:
            (self._sealed or self._stored).write(packed)

    def _close(self) -> None:
        if self._sealed is not None and not self._sealed.closed:
            # The block failed, so nobody will read this file; the seal only has to let go of it.
            with suppress(OSError):
                self._sealed.close()


@asynccontextmanager
async def packing(place: int, name: str, seal: Seal | None) -> AsyncGenerator[Packed]:
    """Give a new file of the backup to be written and finished in the block; see `archive.new_file`."""
    async with archive.new_file(place, name) as file:
        packed = Packed(file, seal)
        try:
            yield packed
        finally:
            await packed.settle()


class _Hashed(io.RawIOBase):
    """The file below, hashed on the way; closing it leaves that file open."""

    def __init__(self, file: io.FileIO) -> None:
        self._file, self._hash, self.size_bytes = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, content: Buffer, /) -> int:
        """Write every byte."""
        left = memoryview(content).cast("B")
        self._hash.update(left)
        self.size_bytes += len(left)
        write_all(self._file, left)
        return len(left)

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was written."""
        return self._hash.hexdigest()


def write_all(file: io.FileIO, content: bytes | memoryview) -> None:
    """Write every byte: a system call may take fewer than it is given, as it does just before the disk is full."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) or 0 :]


class Unpacked:
    """The plain stream of a stored file, read in threads, and compared at its end with what was recorded."""

    def __init__(self, file: io.FileIO, name: str, stored: archive.Stored, seal: Seal | None) -> None:
        self._file, self._seal, self._name, self._stored = file, seal, name, stored
        self._sealed: BinaryIO | None = None
        self._reader: zstandard.ZstdDecompressionReader | None = None
        self._hash = hashlib.sha256()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give the plain stream piece by piece; once it is closed, nothing reads the file any more.

        Raises:
            Failed: it is not what was recorded (`backup-damaged`), which may show only after the last piece.
        """
        thread = _Thread()
        try:
            thread.begin(self._read)
            while piece := cast("bytes", await thread.done()):
                thread.begin(self._read)
                yield piece
        finally:
            await thread.settled(self._close)
        if self._hash.hexdigest() != self._stored.plain_sha256:
            raise archive.damaged(f"the content of {self._name} does not have the recorded SHA-256")

    def _read(self) -> bytes:
        try:
            piece = self._opened().read(_PIECE)
        except (zstandard.ZstdError, OSError) as error:
            raise archive.damaged(f"{self._name} cannot be unpacked") from error
        self._hash.update(piece)
        return piece

    def _opened(self) -> zstandard.ZstdDecompressionReader:
        if self._reader is None:
            if self._seal is not None:
                self._sealed = self._seal.reading(cast("BinaryIO", self._file))
            below = self._sealed or cast("BinaryIO", self._file)
            self._reader = zstandard.ZstdDecompressor().stream_reader(below, read_size=_PIECE, closefd=False)
        return self._reader

    def _close(self) -> None:
        if self._sealed is not None:
            with suppress(OSError):
                self._sealed.close()


async def checked(place: int, name: str, sha256: str) -> io.FileIO:
    """Open a file of a backup whose SHA-256 is this one; the caller closes it.

    Raises:
        Failed: it is missing or not what was stored (`backup-damaged`).
    """
    file = archive.open_part(place, name)
    try:
        if (await asyncio.to_thread(hashlib.file_digest, file, "sha256")).hexdigest() != sha256:
            raise archive.damaged(f"the SHA-256 of {name} is not the recorded one")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
