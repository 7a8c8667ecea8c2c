"""How a migration file is laid out; `read` accepts exactly what this writes, however a person reflows it."""

import math
import textwrap
from collections.abc import Iterator
from typing import Any, cast

from skill_server.generate import functions
from skill_server.generate.migration import Migration
from skill_server.model.change import Change

WIDTH = 100
# A file that is run hands itself to the command line, so that it goes through the same gates.
GUARD = """if __name__ == "__main__":
    from skill_server.__main__ import run_file

    raise SystemExit(run_file(__file__))
"""


def render(migration: Migration) -> str:
    """Return the text of a migration's file."""
    previous = "None" if migration.down_revision is None else literal(migration.down_revision)
    upgrade = [
        *(call("not_applicable", (str(kind), why)) for kind, why in sorted(migration.not_applicable.items())),
        *(call("acknowledge", (name, why)) for name, why in sorted(migration.acknowledged.items())),
        *(change_call(change) for change in migration.changes),
    ]
    downgrade = [change_call(change) for change in migration.undoing()]
    return "\n".join(
        [
            f'"""{_docstring(migration)}\n"""',
            "",
            f"revision = {literal(migration.revision)}",
            f"down_revision = {previous}",
            *(line for source in functions.named(migration.changes).values() for line in ("", "", source)),
            "",
            "",
            "def upgrade(op):",
            *upgrade,
            "",
            "",
            "def downgrade(op):",
            *downgrade,
            "",
            "",
            GUARD,
        ]
    )


def change_call(change: Change) -> str:
    """Return the line (or lines, where it is long) that asks for a change: two positions, then keywords."""
    fields = [name for name in type(change).model_fields if name != "kind"]
    plain: dict[str, Any] = functions.referred(change.model_dump(mode="json"))
    keywords = {
        name: plain[name]
        for name in fields[2:]
        if type(change).model_fields[name].is_required()
        or getattr(change, name) != type(change).model_fields[name].default
    }
    return call(change.kind, tuple(plain[name] for name in fields[:2]), keywords)


def call(name: str, positions: tuple[Any, ...], keywords: dict[str, Any] | None = None) -> str:
    """Return an indented `op.` call on one line, or one argument a line where that would be too long."""
    arguments = [("", value) for value in positions]
    arguments += [(f"{key}=", value) for key, value in (keywords or {}).items()]
    line = f"    op.{name}({', '.join(start + literal(value) for start, value in arguments)})"
    if len(line) <= WIDTH:
        return line
    spread = (part for start, value in arguments for part in _spread(" " * 8, start, value))
    return "\n".join([f"    op.{name}(", *spread, "    )"])


def _spread(indent: str, start: str, value: object) -> Iterator[str]:
    """Yield an argument or a member of one on a line, or one member a line where that would be too long."""
    line = f"{indent}{start}{literal(value)},"
    parts: list[tuple[str, object]] = []
    if isinstance(value, dict):
        parts = [(f"{literal(key)}: ", part) for key, part in cast("dict[str, object]", value).items()]
    elif isinstance(value, list | tuple):
        parts = [("", part) for part in cast("list[object]", value)]
    if len(line) <= WIDTH or not parts:
        yield line
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield f"{indent}{start}{opening}"
    for name, part in parts:
        yield from _spread(f"{indent}    ", name, part)
    yield f"{indent}{closing},"


def literal(value: object) -> str:
    """Return a plain value as Python writes it, nothing unprintable left as it is.

    A function is written as its bare name.
    """
    match value:
        case str():
            # The quotes that need fewer escapes, double ones if in doubt: so formatters of Python have it.
            quote = "'" if value.count('"') > value.count("'") else '"'
            return quote + "".join(_escaped(character, quote) for character in value) + quote
        case functions.Reference(name):
            return name
        case list() | tuple():
            return f"[{', '.join(literal(part) for part in cast('list[object]', value))}]"
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return "{" + ", ".join(f"{literal(key)}: {literal(part)}" for key, part in pairs) + "}"
        case float() if not math.isfinite(value):
            raise ValueError("only finite numbers can be written")
        case _:
            return repr(value)


def _escaped(character: str, quote: str = "") -> str:
    if character in {quote, "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or _code(ord(character))


def _code(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _docstring(migration: Migration) -> str:
    reason = textwrap.fill(
        f"Reason: {_in_docstring(migration.reason)}", WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return f"{_in_docstring(migration.summary)}\n\n{reason}"


def _in_docstring(text: str) -> str:
    # Quotes are escaped in threes only, because a lone quote reads better bare; no line of a docstring ends in one.
    shown = "".join(
        character if character == '"' or character.isprintable() else _escaped(character)
        for character in text.replace("\\", "\\\\")
    )
    shown = shown.replace('"""', '\\"\\"\\"')
    return f"\\{shown}" if shown.startswith('"') else shown
