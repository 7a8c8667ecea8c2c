"""What is encrypted comes back, what was changed does not, and neither side waits for one that failed."""

from __future__ import annotations

import errno
import gc
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pyrage import x25519
from typing_extensions import Buffer, override

from skill_server.backends.sealing import Seal
from skill_server.backup import keys
from skill_server.backup.sealing import AgeSeal
from skill_server.errors import Refused

# More than a pipe holds and more than one piece of age's, so that each side has to wait for the other.
LARGE = os.urandom(1_000_003)


def a_seal() -> Seal:
    """Return a seal with a key of its own."""
    return AgeSeal([x25519.Identity.generate()])


def sealed(seal: Seal, content: bytes) -> bytes:
    """Return content as it lies in an encrypted file."""
    file = io.BytesIO()
    with seal.writing(file) as stream:
        for start in range(0, len(content), 40_000):
            stream.write(content[start : start + 40_000])
    return file.getvalue()


class Full(io.BytesIO):
    """A file on a disk with little room."""

    @override
    def write(self, piece: Buffer, /) -> int:
        if self.tell() > 200_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(piece)


class Torn(io.BytesIO):
    """A file on a disk that cannot be read to its end."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 200_000:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 65_536, LARGE], ids=["none", "one", "piece", "large"])
def test_what_was_sealed_is_read_as_it_was(content: bytes) -> None:
    """A backup that cannot be opened is none, and one that shows its content is not encrypted."""
    seal = a_seal()
    stored = sealed(seal, content)

    assert stored.startswith(b"age-encryption.org/v1\n")
    assert len(content) < 100 or content[:100] not in stored
    with seal.reading(io.BytesIO(stored)) as stream:
        assert stream.read() == content


def test_the_file_below_stays_open_when_the_stream_is_closed() -> None:
    """Whoever opened the file still has to bring it to the disk."""
    file = io.BytesIO()
    a_seal().writing(file).close()

    assert not file.closed


def test_another_key_does_not_open_a_file() -> None:
    """It must fail, and not give something else."""
    stored = sealed(a_seal(), LARGE)

    with a_seal().reading(io.BytesIO(stored)) as stream, pytest.raises(OSError, match="No matching keys"):
        stream.read()


def test_an_older_key_in_the_file_still_opens_what_it_sealed() -> None:
    """Keys are changed by putting the new one first."""
    old, new = x25519.Identity.generate(), x25519.Identity.generate()
    stored = sealed(AgeSeal([old]), b"content")

    with AgeSeal([new, old]).reading(io.BytesIO(stored)) as stream:
        assert stream.read() == b"content"
    with (
        AgeSeal([old]).reading(io.BytesIO(sealed(AgeSeal([new, old]), b"x"))) as stream,
        pytest.raises(OSError, match="No matching keys"),
    ):
        stream.read()


@pytest.mark.parametrize("where", [30, 300, 400_000, -1])
def test_a_flipped_bit_is_an_error(where: int) -> None:
    """A disk that lies must never give wrong values."""
    seal = a_seal()
    stored = bytearray(sealed(seal, LARGE))
    stored[where] ^= 1

    with seal.reading(io.BytesIO(bytes(stored))) as stream, pytest.raises(OSError, match=r"age|decryption"):
        stream.read()


@pytest.mark.parametrize("left", [0, 50, 500, 65_536 * 3, -1])
def test_a_cut_file_is_an_error(left: int) -> None:
    """The end of a cut file must not pass for the end of the content."""
    seal = a_seal()
    stored = sealed(seal, LARGE)

    with seal.reading(io.BytesIO(stored[:left])) as stream, pytest.raises(OSError, match="age"):
        stream.read()


def test_a_full_disk_is_told_by_its_own_error() -> None:
    """The number of the error decides what the person is told to do, so it must survive the thread."""
    stream = a_seal().writing(Full())
    with pytest.raises(OSError, match="No space") as told:
        stream.write(LARGE)

    assert told.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        stream.close()


def test_a_disk_that_is_full_at_the_very_end_fails_the_close() -> None:
    """The last piece is written by closing, and a swallowed error there would leave a cut backup."""
    stream = a_seal().writing(Full(b""))
    stream.write(LARGE[:270_000])

    with pytest.raises(OSError, match="No space"):
        stream.close()


def test_a_file_that_cannot_be_read_is_told_by_its_own_error() -> None:
    """Mending a disk and finding a key are different things to do."""
    seal = a_seal()
    with (
        seal.reading(Torn(sealed(seal, LARGE))) as stream,
        pytest.raises(OSError, match="Input/output") as told,
    ):
        stream.read()

    assert told.value.errno == errno.EIO


def seals() -> int:
    """Count the threads of streams."""
    return sum(thread.name == "seal" for thread in threading.enumerate())


def abandoned_writer(seal: Seal) -> None:
    """Begin a file and forget it."""
    seal.writing(io.BytesIO()).write(LARGE)


def abandoned_reader(seal: Seal) -> None:
    """Read a little of a file and forget it."""
    seal.reading(io.BytesIO(sealed(seal, LARGE))).read(10)


def closed_below(seal: Seal) -> None:
    """Close the file before the stream, as a failing dump does."""
    file = io.BytesIO()
    stream = seal.writing(file)
    stream.write(LARGE)
    file.close()
    with pytest.raises(OSError, match="closed file"):
        stream.close()


@pytest.mark.parametrize("leave", [abandoned_writer, abandoned_reader, closed_below])
@pytest.mark.timeout(20)
def test_a_stream_that_is_left_ends_its_thread(leave: Callable[[Seal], None]) -> None:
    """A cancelled backup must not leave a thread, a descriptor or a deadlock behind."""
    before = os.dup(0)
    os.close(before)
    leave(a_seal())
    gc.collect()
    after = os.dup(0)
    os.close(after)

    assert seals() == 0
    assert after == before


def test_a_key_file_is_made_for_its_owner_alone_and_gives_a_seal(tmp_path: Path) -> None:
    """The umask of the shell must not decide who can read every value."""
    file = tmp_path / "keys" / "backup.key"
    mask = os.umask(0)
    try:
        public = keys.create(file)
    finally:
        os.umask(mask)

    assert file.stat().st_mode & 0o777 == 0o600
    assert public.startswith("age1")
    assert sealed(keys.seal(file), b"content")


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    """Losing a key loses every backup that it sealed."""
    file = tmp_path / "backup.key"
    keys.create(file)
    before = file.read_bytes()

    with pytest.raises(Refused) as refusal:
        keys.create(file)

    assert refusal.value.code == "backup-key-exists"
    assert file.read_bytes() == before


def absent(file: Path) -> None:
    """Leave nothing there."""
    file.unlink()


def open_to_others(file: Path) -> None:
    """Let the group read it."""
    file.chmod(0o640)


def linked(file: Path) -> None:
    """Put a link in its place."""
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def a_pipe(file: Path) -> None:
    """Put a pipe in its place, which would be waited for."""
    file.unlink()
    os.mkfifo(file, 0o600)


def cut(file: Path) -> None:
    """Leave half of the key."""
    file.write_bytes(file.read_bytes()[:-20])


def emptied(file: Path) -> None:
    """Leave the comments."""
    file.write_text("# public key: age1\n")


def binary(file: Path) -> None:
    """Put the key of the ledger in its place."""
    file.write_bytes(b"\xff" * 32)


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (absent, "backup-key-missing"),
        (open_to_others, "backup-key-exposed"),
        (linked, "backup-key-exposed"),
        (a_pipe, "backup-key-exposed"),
        (cut, "backup-key-damaged"),
        (emptied, "backup-key-damaged"),
        (binary, "backup-key-damaged"),
    ],
)
def test_a_key_file_that_is_not_the_owners_key_is_refused(
    tmp_path: Path, spoiled: Callable[[Path], None], code: str
) -> None:
    """A key that others can read seals nothing, and one that is not there cannot open anything later."""
    file = tmp_path / "backup.key"
    keys.create(file)
    spoiled(file)

    with pytest.raises(Refused) as refusal:
        keys.seal(file)

    assert refusal.value.code == code
    assert "SECRET" not in refusal.value.message.replace("AGE-SECRET-KEY-1", "")


def test_a_project_without_a_key_is_told_how_to_make_one() -> None:
    """The person has to decide where the key is kept."""
    with pytest.raises(Refused, match=keys.VARIABLE) as refusal:
        keys.seal(None)

    assert refusal.value.code == "backup-key-missing"
    assert "backup-key" in refusal.value.help
