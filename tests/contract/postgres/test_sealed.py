"""Files of a PostgreSQL backup under a seal: never plain on the disk, and none of the work in the event loop."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from pyrage import x25519
from typing_extensions import Buffer

from skill_server.backends.postgres.backup import archive, splitting
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backup.sealing import AgeSeal
from skill_server.errors import Failed
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import database_exists, filled, private, scratch_copy, sums
from tests.contract.postgres.test_dump import file_size_limit

EVERY_TABLE = 1
_KEY = bytes(byte ^ 0x5A for byte in range(256))
_END = b"whole"


class Mask:
    """A seal that keeps the protocol without keeping a secret, and remembers which threads worked."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.closed = 0

    def writing(self, file: BinaryIO) -> BinaryIO:
        """Return a stream that masks every byte and ends with a mark."""
        return cast("BinaryIO", _Writing(self, file))

    def reading(self, file: BinaryIO) -> BinaryIO:
        """Return the plain stream; a missing mark at the end is an error."""
        return cast("BinaryIO", _Reading(self, file))


class _Writing(io.RawIOBase):
    def __init__(self, mask: Mask, file: BinaryIO) -> None:
        self._mask, self._file = mask, file

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        self._mask.threads.add(threading.get_ident())
        return self._file.write(bytes(content).translate(_KEY))

    def close(self) -> None:
        if not self.closed:
            self._mask.closed += 1
            self._file.write(_END.translate(_KEY))
        super().close()


class _Reading(io.RawIOBase):
    def __init__(self, mask: Mask, file: BinaryIO) -> None:
        self._mask = mask
        self._plain = file.read().translate(_KEY)
        self._at = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        self._mask.threads.add(threading.get_ident())
        if not self._plain.endswith(_END):
            raise OSError("the seal is broken")
        piece = self._plain[: -len(_END)][self._at :][: size if size >= 0 else None]
        self._at += len(piece)
        return piece


@pytest.mark.parametrize("large_bytes", [splitting.LARGE_BYTES, EVERY_TABLE], ids=["archive", "parts"])
async def test_a_sealed_backup_comes_back_and_no_thread_of_the_loop_did_the_work(
    postgres_database: str, tmp_path: Path, large_bytes: int
) -> None:
    """While the loop packs or seals, nobody else of this server gets an answer."""
    connections, place, mask = await filled(postgres_database), private(tmp_path), Mask()
    taken = await dump(connections, NameMap(), place, seal=mask, large_bytes=large_bytes)

    packed = [part.name for part in taken.parts if part.name != archive.NOTE]
    assert mask.closed == len(packed)
    for name in packed:
        assert (place / name).read_bytes()[:4].translate(_KEY) == b"\x28\xb5\x2f\xfd"
    async with scratch_copy(connections) as copy:
        await load(copy, place, seal=mask)
        assert await sums(copy) == taken.checksums
    assert threading.get_ident() not in mask.threads


@pytest.mark.parametrize(
    ("written", "read"), [(Mask(), None), (None, Mask())], ids=["without its seal", "with a broken one"]
)
async def test_a_backup_that_cannot_be_unsealed_leaves_no_database(
    postgres_database: str, tmp_path: Path, written: Mask | None, read: Mask | None
) -> None:
    """The hash of the stored bytes is right in both cases; what is inside is not."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place, seal=written, large_bytes=EVERY_TABLE)

    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place, seal=read)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


@pytest.mark.parametrize("large_bytes", [splitting.LARGE_BYTES, EVERY_TABLE], ids=["archive", "parts"])
async def test_a_backup_in_the_format_of_age_comes_back(
    postgres_database: str, tmp_path: Path, large_bytes: int
) -> None:
    """Its stream works in a thread of its own, which must let go of a file that is read only in part."""
    connections, place = await filled(postgres_database), private(tmp_path)
    seal = AgeSeal([x25519.Identity.generate()])
    taken = await dump(connections, NameMap(), place, seal=seal, large_bytes=large_bytes)
    async with scratch_copy(connections) as copy:
        await load(copy, place, seal=seal)
        assert await sums(copy) == taken.checksums


async def test_a_full_disk_under_a_seal_is_told_as_one_and_leaves_nothing(
    postgres_database: str, tmp_path: Path
) -> None:
    """The error of the file below passes through a thread and a pipe."""
    connections, place = await filled(postgres_database), private(tmp_path)
    seal = AgeSeal([x25519.Identity.generate()])
    with file_size_limit(20_000), pytest.raises(Failed) as failure:
        await dump(connections, NameMap(), place, seal=seal)

    assert failure.value.code == "backup-no-space"
    assert list(place.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "seal"]
