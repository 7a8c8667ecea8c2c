"""Find names that a migration takes away in the project's code, as whole words, in whatever language."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path

from skill_server.model.finding import Finding, Severity

SEARCHED = frozenset(
    ".py .html .htm .jinja .jinja2 .j2 .sql .js .mjs .cjs .jsx .ts .tsx .vue .json .yaml .yml .graphql .gql".split()
)
SKIPPED_FOLDERS = frozenset(
    ".git node_modules .venv venv __pycache__ .database-migration .mypy_cache .ruff_cache .pytest_cache .tox".split()
)
LARGEST_BYTES = 2 * 1024 * 1024
MOST_FINDINGS = 200


def names_in_use(
    names: Collection[str], paths: Collection[Path], root: Path, *, migrations: Path | None = None
) -> tuple[Finding, ...]:
    """Return each line under `paths` that still uses one of the names; `root` is the project.

    The migrations folder is skipped, links that leave the project are not followed, and whatever is not searched is
    said: a file that is too large or unreadable, a path that is missing, and findings beyond the first 200.
    """
    if not names:
        return ()
    pattern = _pattern(names)
    found: list[Finding] = []
    for finding in _search(pattern, paths, root.resolve(), migrations.resolve() if migrations else None):
        if len(found) == MOST_FINDINGS:
            found.append(
                _unsearched("names-in-use", "names are used in more lines than are listed here", None)
            )
            break
        found.append(finding)
    return tuple(found)


def _pattern(names: Collection[str]) -> re.Pattern[str]:
    # The longest first, so that of two names the one that is written is reported.
    words = sorted((re.escape(_normal(name)) for name in names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")


def _search(
    pattern: re.Pattern[str], paths: Collection[Path], root: Path, migrations: Path | None
) -> Iterator[Finding]:
    seen: set[Path] = set()
    for start in paths:
        if not start.exists():
            yield _unsearched("code-path-missing", f"there is no {start.name} to search", start.name)
            continue
        for path in _files(start):
            real = path.resolve()
            if (
                real in seen
                or not real.is_relative_to(root)
                or (migrations and real.is_relative_to(migrations))
            ):
                continue
            seen.add(real)
            yield from _in_file(pattern, real, real.relative_to(root).as_posix())


def _files(start: Path) -> Iterator[Path]:
    if start.is_file():
        yield start
        return
    for folder, folders, names in os.walk(start):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix.lower() in SEARCHED and path.is_file():
                yield path


def _in_file(pattern: re.Pattern[str], path: Path, shown: str) -> Iterator[Finding]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        yield _unsearched("file-not-searched", f"{shown} cannot be read: {error.strerror}", shown)
        return
    if len(content) > LARGEST_BYTES:
        yield _unsearched("file-not-searched", f"{shown} is larger than {LARGEST_BYTES} bytes", shown)
        return
    text = _normal(content.decode("utf-8", "replace"))
    for number, line in enumerate(text.split("\n"), start=1):
        for name in dict.fromkeys(pattern.findall(line)):
            yield Finding(
                rule="name-still-used",
                severity=Severity.ERROR,
                file=shown,
                line=number,
                name=name,
                message=f"{shown}:{number} uses {name}, which is gone after this migration",
                help=f'Change the code, or write op.acknowledge("{name}", "reason") if it means something else.',
            )


def _unsearched(rule: str, message: str, file: str | None) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.WARNING,
        file=file,
        message=message,
        help="Look there yourself, or correct the code paths in the configuration.",
    )


def _normal(text: str) -> str:
    # The same letters may be stored composed or decomposed (Unicode Standard Annex 15).
    return unicodedata.normalize("NFC", text)
