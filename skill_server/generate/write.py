"""Put a migration file into the project: whole or not at all, and never over another."""

import os
import secrets
from pathlib import Path

from skill_server.errors import Invalid, Refused
from skill_server.generate.layout import render
from skill_server.generate.migration import Migration
from skill_server.generate.read import parse

_MODE = 0o644


def write(migration: Migration, directory: Path) -> Path:
    """Write a migration's file into a folder, which is made where it is missing, and return its path.

    Raises:
        Invalid: a file of that revision is there (`revision-exists`) and is left as it was, or the migration is too
            large to be read again (`migration-not-readable`).
        Refused: the folder cannot be written (`migration-not-writable`); nothing is left behind.
    """
    path = directory / f"{migration.revision}.py"
    content = render(migration).encode()
    parse(content, path.name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _create(path, content)
    except FileExistsError:
        raise Invalid(
            "revision-exists",
            f"{path.name} is there already",
            help="Describe the migration in other words, or edit the file that is there.",
        ) from None
    except OSError as error:
        raise _not_writable(path, error) from error
    return path


def replace(path: Path, text: str) -> None:
    """Put text in place of a generated file, whole or not at all.

    Raises:
        Refused: the folder cannot be written (`migration-not-writable`); the file is as it was.
    """
    try:
        fresh = _temporary(path, text.encode())
        try:
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        _flush(path.parent)
    except OSError as error:
        raise _not_writable(path, error) from error


def _create(path: Path, content: bytes) -> None:
    fresh = _temporary(path, content)
    try:
        # Unlike a rename, a link fails where the name is taken, so no other file is ever lost.
        path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    _flush(path.parent)


def _temporary(path: Path, content: bytes) -> Path:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _flush(directory: Path) -> None:
    # A name is durable only when its directory is (fsync(2)).
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_writable(path: Path, error: OSError) -> Refused:
    return Refused(
        "migration-not-writable",
        f"{path.name} cannot be written: {error.strerror or type(error).__name__}",
        help="Make the migrations folder writable and free some space.",
    )
