"""Which code a run of the project's tests was about, as one digest of the files, so that later edits are noticed."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

MOST_FILES: Final = 50_000
_CHUNK_BYTES: Final = 1024 * 1024
# Code and what configures it. Tests write reports as JSON, XML or text into the project, which must not undo their run.
_CODE: Final = frozenset(
    ".py .pyi .pyx .toml .cfg .ini .yaml .yml .sql .sh .bash .js .jsx .mjs .cjs .ts .tsx .mts .cts .vue .go .rb .rake "
    ".java .kt .kts .scala .groovy .gradle .cs .fs .vb .php .rs .ex .exs .erl .clj .swift .c .h .cc .cpp .hpp .pl .lua "
    ".feature".split()
)
_NAMES: Final = frozenset(
    {"Makefile", "GNUmakefile", "Rakefile", "Gemfile", "justfile", "package.json", "go.mod"}
)
_MADE: Final = frozenset({"__pycache__", "node_modules"})


def tested_files(
    root: Path, *, places: Iterable[Path], command: Sequence[str], leave_out: Iterable[Path]
) -> str | None:
    """Return the digest of a project's code: that below its root, the configured places, and what the command names.

    Hidden folders, caches, installed packages and what is to be left out are not looked into, nor are linked folders.
    None where there are more than `MOST_FILES` files of code, of which no digest could be taken for each answer.
    """
    named = [path for word in command for path in _named(root, word)]
    without = {path.resolve() for path in leave_out}
    found: set[Path] = set()
    for start in (root, *places, *named):
        for path in [start] if start.is_file() else _code_below(start, without):
            found.add(path.resolve())
            if len(found) > MOST_FILES:
                return None
    everything = hashlib.sha256()
    for path in sorted(found - without):
        everything.update(
            f"{os.path.relpath(path, root)}\0{_hash(path)}\n".encode("utf-8", "surrogateescape")
        )
    return everything.hexdigest()


def _named(root: Path, word: str) -> Iterator[Path]:
    """Yield what a word of the test command names in the project: a path, an option's value, a test of a file."""
    for part in (word, word.partition("=")[2], word.partition("::")[0]):
        path = root / part
        # A name that no file system takes is not one of a file.
        takes = part and "\0" not in part and len(part) < 256
        if takes and path.resolve().is_relative_to(root.resolve()) and path.exists():
            yield path


def _code_below(start: Path, without: set[Path]) -> Iterator[Path]:
    for place, folders, files in os.walk(start):
        here = Path(place)
        folders[:] = [name for name in folders if not _is_apart(here / name, without)]
        for name in files:
            if name in _NAMES or Path(name).suffix.lower() in _CODE:
                yield here / name


def _is_apart(folder: Path, without: set[Path]) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in _MADE
        or (folder / "pyvenv.cfg").exists()
        or folder.resolve() in without
    )


def _hash(path: Path) -> str:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                hasher.update(chunk)
    except OSError as error:
        # A test that cannot read it either is another one than a test that can.
        return type(error).__name__
    return hasher.hexdigest()
