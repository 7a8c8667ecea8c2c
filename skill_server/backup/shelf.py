"""The folder of the backups: what lies in it, and how a backup appears in it and leaves it whole."""

import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from skill_server.backup import folder
from skill_server.backup import manifest as manifests
from skill_server.errors import MigrationError
from skill_server.model.base import Frozen
from skill_server.model.plan import TargetIdentity

_TAKING, _REMOVING = ".taking-", ".removing-"


class State(StrEnum):
    """What a folder is."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    OTHER_TARGET = "of another target"
    DAMAGED = "damaged"
    UNFINISHED = "unfinished"


class Found(Frozen):
    """A folder as it lies there; `size_bytes` is what its manifest says."""

    label: str
    state: State
    size_bytes: int | None = None


@contextmanager
def new(directory: Path, target: TargetIdentity, label: str) -> Generator[Path]:
    """Give a new private folder that gets the name of the label when the block succeeds; else nothing is left of it.

    Its name until then holds the ledger's id, so that whoever holds this target's lock knows that nobody works on it.
    """
    taking = f"{_taking(target)}{label}"
    place = folder.new_directory(directory / taking)
    try:
        yield place
        folder.rename(directory, taking, label)
    except BaseException:
        # The half that succeeded proves nothing alone, and where the disk is full it would keep it full.
        shutil.rmtree(place, ignore_errors=True)
        raise


def remove(directory: Path, label: str) -> None:
    """Remove a backup: first from sight, so that a crash never leaves half of one under its name."""
    if not (directory / label).is_dir():
        return
    folder.rename(directory, label, f"{_REMOVING}{label}")
    shutil.rmtree(directory / f"{_REMOVING}{label}")


def sweep(directory: Path, target: TargetIdentity, proven: Mapping[str, str]) -> tuple[str, ...]:
    """Remove what this target's interrupted runs left; call it under the target's lock. Return the labels."""
    swept: list[str] = []
    for path in _folders(directory):
        if path.name.startswith(_REMOVING):
            shutil.rmtree(path)
        elif path.name.startswith(_taking(target)):
            shutil.rmtree(path)
            swept.append(path.name.removeprefix(_taking(target)))
        elif _look(path, target, proven).state is State.UNPROVEN:
            remove(directory, path.name)
            swept.append(path.name)
    return tuple(swept)


def listing(directory: Path, target: TargetIdentity, proven: Mapping[str, str]) -> tuple[Found, ...]:
    """Return every folder there with what it is; `proven` are the digests of the ledger's manifests by their labels."""
    return tuple(_look(path, target, proven) for path in _folders(directory))


def holds(directory: Path, label: str) -> bool:
    """Say whether a backup is here."""
    return (directory / label / manifests.MANIFEST_FILE).is_file()


def _folders(directory: Path) -> Iterator[Path]:
    if directory.is_dir() and not directory.is_symlink():
        yield from (path for path in sorted(directory.iterdir()) if path.is_dir() and not path.is_symlink())


def _look(path: Path, target: TargetIdentity, proven: Mapping[str, str]) -> Found:
    if path.name.startswith((_TAKING, _REMOVING)) or not holds(path.parent, path.name):
        return Found(label=path.name, state=State.UNFINISHED)
    try:
        taken = manifests.read(path)
    except MigrationError:
        return Found(label=path.name, state=State.DAMAGED)
    if taken.target.ledger_id != target.ledger_id:
        state = State.OTHER_TARGET
    elif taken.label != path.name or proven.get(path.name, taken.digest) != taken.digest:
        state = State.DAMAGED
    else:
        state = State.PROVEN if path.name in proven else State.UNPROVEN
    return Found(label=path.name, state=state, size_bytes=taken.size_bytes)


def _taking(target: TargetIdentity) -> str:
    return f"{_TAKING}{target.ledger_id}-"
