"""Read a migration file as a syntax tree. Nothing in it is ever imported or executed."""

import ast
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.generate import parts as sections
from skill_server.generate.layout import change_call
from skill_server.generate.literals import Call, Place, calls
from skill_server.generate.migration import Migration
from skill_server.model import base
from skill_server.model.change import Change

LARGEST_BYTES = 256 * 1024


def read(path: Path) -> Migration:
    """Return the migration that a file describes.

    Raises:
        Invalid: the file is missing, is no plain file, or holds anything but the layout that `write` makes
            (`migration-not-readable`, with file and line), its downgrade is not the exact inverse of its upgrade
            (`downgrade-does-not-undo`), or its name is not its revision (`revision-is-not-file-name`).
    """
    migration = parse(_content(path), path.name)
    if path.stem != migration.revision:
        raise Invalid(
            "revision-is-not-file-name",
            f"{path.name} says that it is revision {migration.revision}",
            help=f"Rename the file to {migration.revision}.py, or set revision to the file's name.",
        )
    return migration


def parse(content: bytes, file: str) -> Migration:
    """Return the migration that the content of a file describes; `file` is its name for messages.

    Raises:
        Invalid: as `read` says.
    """
    place = Place(file)
    tree = _tree(content, place)
    summary, reason = sections.words(tree, place)
    parts = sections.parts(tree, content.decode(), place)
    upgrade = calls(parts.upgrade, place)
    not_applicable, acknowledged, up = _upgrade(upgrade, place)
    try:
        migration = Migration.model_validate(
            {
                **parts.names,
                "summary": summary,
                "reason": reason,
                "changes": up,
                "not_applicable": not_applicable,
                "acknowledged": acknowledged,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"]) or "the migration"
        raise place.refuse(
            1, f"{where}: {first['msg'].removeprefix('Value error, ')[:200]}", f"Mend {where} in the file."
        ) from None
    _require_undoing(migration, calls(parts.downgrade, place), place)
    return migration


def _content(path: Path) -> bytes:
    place = Place(path.name)
    try:
        # Neither a link out of the project nor a pipe that never ends is a migration.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise place.refuse(
            1,
            f"cannot be opened: {error.strerror or type(error).__name__}",
            "Put a readable plain file there.",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise place.refuse(1, "is no plain file", "Put a readable plain file there.")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _tree(content: bytes, place: Place) -> ast.Module:
    if len(content) > LARGEST_BYTES:
        raise place.refuse(1, f"is larger than {LARGEST_BYTES} bytes", "Split it into several migrations.")
    if b"\0" in content:
        raise place.refuse(content[: content.index(b"\0")].count(b"\n") + 1, "holds a NUL byte", "Remove it.")
    try:
        with warnings.catch_warnings():
            # A doubtful escape is a warning today and an error tomorrow; the file must mean the same in both.
            warnings.simplefilter("error")
            return ast.parse(content.decode())
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise place.refuse(line, "is not UTF-8 text", "Save the file as UTF-8.") from None
    except SyntaxError as error:
        raise place.refuse(error.lineno or 1, f"is no Python: {error.msg}", "Mend the syntax.") from None
    except (RecursionError, MemoryError):
        raise place.refuse(1, "nests too deeply to be read", "Write flatter values.") from None
    except ValueError as error:
        raise place.refuse(1, f"cannot be read: {error}", "Write shorter numbers.") from None


def _upgrade(found: list[Call], place: Place) -> tuple[dict[str, str], dict[str, str], list[Change]]:
    not_applicable: dict[str, str] = {}
    acknowledged: dict[str, str] = {}
    up: list[Change] = []
    for call in found:
        match call:
            case Call("not_applicable" | "acknowledge", (str(about), str(why)), said_more, line) if (
                not said_more
            ):
                said = not_applicable if call.name == "not_applicable" else acknowledged
                if about in said:
                    raise place.refuse(
                        line, f"op.{call.name} names {about[:80]} twice", "Keep one of the two."
                    )
                said[about] = why
            case Call("not_applicable" | "acknowledge", _, _, line):
                raise place.refuse(
                    line,
                    f"op.{call.name} takes a name and a reason",
                    f'Write op.{call.name}("name", "reason").',
                )
            case Call(name, _, _, line) if name in changes.catalogue() and name not in changes.authored():
                raise place.refuse(line, f"op.{name} only undoes another change", "Move it to downgrade.")
            case _:
                up.append(_change(call, place, make=changes.build))
    if not up:
        raise place.refuse(1, "upgrade lists no change", "List at least one change in upgrade.")
    return not_applicable, acknowledged, up


def _change(call: Call, place: Place, make: Callable[..., Change]) -> Change:
    kinds = changes.catalogue()
    names = [name for name in kinds[call.name].model_fields if name != "kind"] if call.name in kinds else []
    given = dict(zip(names, call.positions, strict=False))
    if names and (len(call.positions) > len(names) or given.keys() & call.keywords.keys()):
        raise place.refuse(
            call.line,
            f"op.{call.name} gets an argument twice or too many",
            f"Its arguments are {', '.join(names)}.",
        )
    try:
        return make(call.name, **given, **call.keywords)
    except Invalid as error:
        raise place.refuse(call.line, error.message, error.help, code=error.code) from None


def _require_undoing(migration: Migration, found: list[Call], place: Place) -> None:
    expected = migration.undoing()
    written = [_change(call, place, make=changes.construct) for call in found]
    # Compared as text, because Python holds True, 1 and 1.0 for equal.
    wrong = [base.canonical(change.model_dump(mode="json")) for change in written]
    right = [base.canonical(change.model_dump(mode="json")) for change in expected]
    if wrong == right:
        return
    lines = "\n".join(change_call(change) for change in expected)
    different = next(
        (
            call.line
            for call, change, wanted in zip(found, written, expected, strict=False)
            if change != wanted
        ),
        found[-1].line if found else 1,
    )
    raise Invalid(
        "downgrade-does-not-undo",
        f"{place.file}:{different}: downgrade is not the exact inverse of upgrade, last change first",
        help=f"Write downgrade as:\n\ndef downgrade(op):\n{lines}",
        detail={"file": place.file, "line": different, "expected": lines},
    )
