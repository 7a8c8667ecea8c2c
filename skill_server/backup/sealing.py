"""Encrypts the files of a backup in the format of `age`, so that a person can open them without this product.

pyrage pulls bytes from one file and pushes them into another, while a dump pushes and a restore pulls. Each stream
therefore has a pipe and a thread. The format: https://age-encryption.org/v1
"""

import io
import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from typing_extensions import Buffer, override

if TYPE_CHECKING:
    from pyrage import x25519

_PIECE_BYTES = 64 * 1024
_NO_KEY = "No matching keys"
HEADER = b"age-encryption.org/v1\n"


class AgeSeal:
    """Encrypts to the first of its keys and opens what any of them opens, so that keys can be changed."""

    def __init__(self, identities: Sequence["x25519.Identity"]) -> None:
        self._identities = tuple(identities)

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return len(self._identities)

    def writing(self, file: BinaryIO) -> BinaryIO:
        """Return a stream to write plain bytes to; closing it completes `file` and raises what went wrong there."""
        return io.BufferedWriter(_Encrypting(file, self._identities[0]), _PIECE_BYTES)

    def reading(self, file: BinaryIO) -> BinaryIO:
        """Return a stream of plain bytes; a wrong key or a changed file raises OSError while it is read."""
        return io.BufferedReader(_Decrypting(file, self._identities), _PIECE_BYTES)

    def fits(self, file: BinaryIO) -> bool:
        """Say whether a file was encrypted to one of these keys; damage of another kind is not held against them."""
        from pyrage import DecryptError

        try:
            with self.reading(file) as plain:
                plain.read(1)
        except OSError as error:
            # pyrage has one class for all its errors; tests/unit/backup/test_backups.py holds it to these words.
            return not (isinstance(error.__cause__, DecryptError) and _NO_KEY in str(error.__cause__))
        return True


class _Below:
    """The file below as pyrage sees it; its error is kept, because pyrage passes on only the text."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def read(self, size: int) -> bytes:
        with self._kept():
            return self._file.read(size)

    def write(self, piece: bytes) -> int:
        left = memoryview(piece)
        with self._kept():
            while left:
                left = left[self._file.write(left) or 0 :]
        return len(piece)

    def flush(self) -> None:
        """Leave flushing to whoever opened the file."""

    @contextmanager
    def _kept(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self.error = error
            raise


class _End:
    """One end of a pipe as pyrage sees it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int) -> bytes:
        return os.read(self._descriptor, size)

    def write(self, piece: bytes) -> int:
        _write_all(self._descriptor, piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: a pipe keeps nothing back."""


class _Turning(threading.Thread):
    """Encrypts or decrypts in the background; at its end it closes its end of the pipe, so that nobody waits for it."""

    def __init__(self, below: _Below, end: int, turn: Callable[[], Any]) -> None:
        # Whoever forgets a stream must not keep the process from ending.
        super().__init__(name="seal", daemon=True)
        self._below, self._end, self._turn = below, end, turn
        self._error: Exception | None = None
        self.start()

    @override
    def run(self) -> None:
        from pyrage import DecryptError, EncryptError

        try:
            self._turn()
        except (DecryptError, EncryptError, OSError, ValueError) as error:
            # A ValueError says that the file below was closed before the stream.
            self._error = error
        finally:
            os.close(self._end)

    def finish(self) -> None:
        """Wait for the end.

        Raises:
            OSError: the file below could not be read or written, or its content could not be opened.
        """
        self.join()
        if self._below.error is not None:
            raise self._below.error
        if self._error is not None:
            raise OSError(f"age: {self._error}") from self._error


class _Encrypting(io.RawIOBase):
    def __init__(self, file: BinaryIO, identity: "x25519.Identity") -> None:
        import pyrage

        source, self._end = os.pipe()
        below, end = _Below(file), _End(source)
        recipients = (identity.to_public(),)
        self._turning = _Turning(below, source, lambda: pyrage.encrypt_io(_any(end), _any(below), recipients))

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, piece: Buffer, /) -> int:
        content = bytes(piece)
        try:
            _write_all(self._end, content)
        except BrokenPipeError:
            self._turning.finish()
            raise
        return len(content)

    @override
    def close(self) -> None:
        if self.closed:
            return
        super().close()
        os.close(self._end)
        self._turning.finish()


class _Decrypting(io.RawIOBase):
    def __init__(self, file: BinaryIO, identities: Sequence["x25519.Identity"]) -> None:
        import pyrage

        self._end, sink = os.pipe()
        below, end = _Below(file), _End(sink)
        self._turning = _Turning(below, sink, lambda: pyrage.decrypt_io(_any(below), _any(end), identities))

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer).cast("B") as into:
            piece = os.read(self._end, len(into))
            into[: len(piece)] = piece
        if not piece:
            # The end of the pipe is the end of the file only if everything before it was genuine.
            self._turning.finish()
        return len(piece)

    @override
    def close(self) -> None:
        if self.closed:
            return
        super().close()
        os.close(self._end)
        # A reader that stops early breaks the pipe, which is no fault of the file.
        with suppress(OSError):
            self._turning.finish()


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _any(file: object) -> Any:
    """Pass a file of few methods where pyrage's types name a class with many."""
    return file
