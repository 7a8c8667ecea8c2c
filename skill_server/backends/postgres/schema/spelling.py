"""One spelling for definitions that the server prints in several ways.

PostgreSQL prints casts between its text types in another place once an expression has been read back, as in
`(ARRAY['a'::character varying])::text[]` and `ARRAY[('a'::character varying)::text]`; so a dump and restore changes the
text of a definition that means the same.
"""

import re
from collections.abc import Iterable

from skill_server.model.snapshot import Entity

# What is in quotes is never a cast. It is set aside as a character that no text in PostgreSQL can hold.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_ASIDE = "\x00"
_TEXT_CAST = re.compile(r"::(?:pg_catalog\.)?(?:text|character varying|bpchar)(?:\(\d+\))?(?:\[\])?(?!\w)")
_ATOM = re.compile(rf"(?<![\w\]{_ASIDE}])\(((?:[\w.{_ASIDE}]+|ARRAY\[[^\[\]()]*\]))\)")
_ONE_SOURCE = re.compile(
    r"\bFROM ((?:[\w\"]+\.)?[\w\"]+)(?: (?!WHERE|GROUP|ORDER|LIMIT|HAVING|UNION)([\w\"]+))?(?=[\s;]|$)"
)
# The text of a function in any form but SQL's own (BEGIN ATOMIC) is kept as it was written.
_WRITTEN = re.compile(r"^AS [$']", re.MULTILINE)


def normalised(definition: str) -> str:
    """Return an expression, or what consists of expressions, as it also reads after a dump and restore."""
    if "::" not in definition:
        return definition
    aside = _QUOTED.findall(definition)
    before, current = "", _QUOTED.sub(_ASIDE, definition)
    while before != current:
        before = current
        current = _ATOM.sub(r"\1", _TEXT_CAST.sub("", current))
    between = current.split(_ASIDE)
    return "".join(text for pair in zip(between, [*aside, ""], strict=True) for text in pair)


def normalised_view(definition: str) -> str:
    """Return a view's query in one spelling: since PostgreSQL 16 columns of a single source are not qualified."""
    plain = " ".join(normalised(definition).split())
    sources = _ONE_SOURCE.findall(plain)
    if len(sources) != 1 or plain.count("FROM") != 1 or " JOIN " in plain or "SELECT" not in plain:
        return plain
    relation, alias = sources[0]
    for prefix in {relation.rpartition(".")[2], alias} - {""}:
        plain = re.sub(rf"(?<![\w\".]){re.escape(prefix)}\.", "", plain)
    return plain


def normalised_function(definition: str) -> str:
    """Return a function in one spelling: its defaults and, where it is SQL's own form, its body."""
    written = _WRITTEN.search(definition)
    at = written.start() if written else len(definition)
    return normalised(definition[:at]) + definition[at:]


def spellings(entities: Iterable[Entity]) -> dict[str, str]:
    """Return the definitions of entities that have more than one spelling, with the one that all copies share."""
    texts = {
        text
        for entity in entities
        for text in (
            *(field.default for field in entity.fields),
            *(index.definition for index in entity.indexes),
            *(constraint.definition for constraint in entity.constraints),
        )
        if text is not None
    }
    return {text: plain for text in sorted(texts) if (plain := normalised(text)) != text}
