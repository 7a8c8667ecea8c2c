"""Indexes and checks in the words of SQLAlchemy 2, taken from the SQL that makes them.

Pure. What cannot be said for certain becomes a comment that points to the SQL, never a line that makes something else.
"""

import re
from dataclasses import dataclass

from skill_server.model.snapshot import Constraint, Entity, Index

_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX .*? USING (\w+) (?=\()", re.DOTALL)
_CHECK = re.compile(r"(?:ALTER TABLE .*? ADD CONSTRAINT .*? )?CHECK (?=\()", re.DOTALL)
# Text and names in quotes, which may hold parentheses and commas; else one character.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|.""", re.DOTALL)
_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+""")
_NAME = re.compile(r'"((?:[^"]|"")+)"|([a-z_][a-z0-9_]*)')
# What `text()` would take for a parameter (SQLAlchemy, "Textual SQL").
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


@dataclass(frozen=True)
class _Shape:
    method: str
    keys: tuple[str, ...]
    where: str | None


def index_line(entity: Entity, index: Index) -> str:
    """Return the argument of `__table_args__` that makes an index, or a comment in its place."""
    known = {field.name: field.native_name for field in entity.fields}
    shape = _shape(index.definition)
    plain = shape is None or (
        shape.method == "btree" and shape.where is None and all(_plain(key) for key in shape.keys)
    )
    if not index.keys or any(name not in known for name in index.fields):
        return _by_hand("Index", index.name)
    if plain:
        if (index.definition and shape is None) or any(key.field not in known for key in index.keys):
            return _by_hand("Index", index.name)
        # Fields may have got other names since the definition was read.
        keys = [_key(known[key.field or ""], descending=key.descending) for key in index.keys]
    elif shape is None or not _mentions(index.definition, [known[name] for name in index.fields]):
        return _by_hand("Index", index.name)
    else:
        keys = [repr(_plain(key)) if _ascending(key) else f"text({_escaped(key)!r})" for key in shape.keys]
    words = [f'Index("{index.name}"', *keys]
    if index.unique:
        words.append("unique=True")
    if shape is not None and shape.method != "btree":
        words.append(f'postgresql_using="{shape.method}"')
    if shape is not None and shape.where is not None:
        words.append(f"postgresql_where=text({_escaped(shape.where)!r})")
    return f"{', '.join(words)}),"


def check_line(entity: Entity, check: Constraint) -> str:
    """Return the argument of `__table_args__` that makes a check, or a comment in its place."""
    known = {field.name: field.native_name for field in entity.fields}
    begin = _CHECK.match(check.definition)
    if begin is None or not all(name in known for name in check.fields):
        return _by_hand("Check", check.name)
    parts, rest = _inside(check.definition[begin.end() :])
    if rest not in ("", " NOT VALID") or not _mentions(
        check.definition, [known[name] for name in check.fields]
    ):
        return _by_hand("Check", check.name)
    return f'CheckConstraint({_escaped(",".join(parts))!r}, name="{check.name}"),'


def _by_hand(kind: str, name: str) -> str:
    return f"# {kind} {name}: write it by hand, see the SQL"


def _shape(definition: str) -> _Shape | None:
    begin = _INDEX.match(definition)
    if begin is None:
        return None
    keys, rest = _inside(definition[begin.end() :])
    if rest and not rest.startswith(" WHERE "):
        return None
    return _Shape(begin[1], tuple(key.strip() for key in keys), rest.removeprefix(" WHERE ") or None)


def _inside(text: str) -> tuple[list[str], str]:
    """Split what is in the parentheses that a text begins with at its commas; also return what follows them."""
    parts, depth = [""], 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return parts, text[token.end() :]
        if depth == 1 and word == ",":
            parts.append("")
        elif token.start() > 0:
            parts[-1] += word
    return parts, "unfinished"


def _plain(key: str) -> str | None:
    """Return the name of a key that is no more than a name and perhaps downwards."""
    found = _NAME.fullmatch(key.removesuffix(" DESC"))
    return None if found is None else (found[1] or found[2]).replace('""', '"')


def _ascending(key: str) -> bool:
    return _plain(key) is not None and not key.endswith(" DESC")


def _key(name: str, *, descending: bool) -> str:
    if not descending:
        return repr(name)
    name = name.replace('"', '""')
    downwards = f'"{name}" DESC'
    return f"text({_escaped(downwards)!r})"


def _mentions(definition: str, names: list[str]) -> bool:
    """Say whether a definition still speaks of these names, which a rename in the same plan would have changed."""
    named = {_plain(token) for token in _WORD.findall(definition)}
    return named.issuperset(names)


def _escaped(sql: str) -> str:
    return _PARAMETER.sub(r"\\:", sql)
