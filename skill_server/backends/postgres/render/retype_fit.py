"""Which indexes, checks and generated columns are certain to be valid on a field of another type."""

import re
from collections.abc import Iterator

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.render.parts import Parts
from skill_server.backends.postgres.schema import definitions
from skill_server.model.action import RetypeField
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Field, Index

_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_NUMERIC = frozenset({Kind.INTEGER, Kind.BIG_INTEGER, Kind.DECIMAL, Kind.FLOAT})
# The types that have a default operator class (manual, chapter 11 and the pages of the methods).
_DEFAULT_CLASSES = {
    "btree": frozenset(Kind),
    "hash": frozenset(Kind),
    "brin": frozenset(Kind) - {Kind.BOOLEAN, Kind.JSON, Kind.ARRAY},
    "gin": frozenset({Kind.JSON, Kind.ARRAY}),
}
_ORDER = re.compile(r"\s*(?:ASC|DESC)?\s*(?:NULLS (?:FIRST|LAST))?\s*")
# Not every kind of number has all the others: bits and remainders, functions of one type, casts such as to boolean.
_OPERATORS = re.compile(r"[%&|#~^]|<<|>>")
_CALL = re.compile(r'([\w"]+)\(')
_CALLS = frozenset({"abs", "ceil", "floor", "sign", "coalesce", "greatest", "least", "numeric"})
_CAST = re.compile(r"::(\w+)")
_CASTS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double", "text"})


def unfit(action: RetypeField, parts: Parts, field: Field, computed: tuple[Field, ...]) -> tuple[str, ...]:
    """Name what leans on the type of a field so that it may not be valid on the new one.

    Only the server could tell for sure, and it would do so in the middle of the run and without the name.
    """
    indexes = [item for item in parts.indexes if action.field in item.fields and item.definition]
    checks = [item for item in parts.constraints if action.field in item.fields and item.kind == "check"]
    found = (
        *(f"check {item.name}" for item in checks if not _fits(action, item.definition, field)),
        *(f"generated column {item.native_name}" for item in computed if not _related(action.was, action.to)),
        *(f"index {item.name}" for item in indexes if not _index_fits(action, item, field)),
    )
    return tuple(sorted(found))


def _related(was: LogicalType, to: LogicalType) -> bool:
    return any(was.kind in family and to.kind in family for family in (_TEXTUAL, _NUMERIC))


def _textual(action: RetypeField) -> bool:
    return action.was.kind in _TEXTUAL and action.to.kind in _TEXTUAL


def _index_fits(action: RetypeField, index: Index, field: Field) -> bool:
    if _textual(action):
        return True
    parts = definitions.index_parts(index.definition)
    expressions = [parts.predicate] if parts.predicate else []
    for key, words in zip(parts.keys, parts.words, strict=True):
        if not _named(key, field):
            continue
        if not _ORDER.fullmatch(words):
            return False
        if key not in _spellings(field):
            expressions.append(key)
        if action.to.kind not in _DEFAULT_CLASSES.get(parts.method, ()):
            return False
    return all(_fits(action, text, field) for text in expressions)


def _fits(action: RetypeField, text: str, field: Field) -> bool:
    """Tell whether a condition or expression means something on both types."""
    if _textual(action) or not _named(_without_presence(text, field), field):
        return True
    if not _related(action.was, action.to):
        return False
    return (
        _OPERATORS.search(text) is None
        and all(word.lower() in _CALLS for word in _CALL.findall(text))
        and all(word in _CASTS for word in _CAST.findall(text))
    )


def _without_presence(text: str, field: Field) -> str:
    """Take out the questions whether there is a value, which every type answers."""
    spelled = "|".join(re.escape(name) for name in _spellings(field))
    return re.sub(rf'(?<![\w".])(?:{spelled}) IS (?:NOT )?NULL\b', "", text)


def _named(text: str, field: Field) -> bool:
    return any(
        re.search(rf'(?<![\w"]){re.escape(name)}(?![\w"])', text) is not None for name in _spellings(field)
    )


def _spellings(field: Field) -> Iterator[str]:
    # The server writes a name without quotes where that reads back as the same name.
    yield field.native_name
    yield quoted(field.native_name)
