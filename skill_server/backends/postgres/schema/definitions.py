"""Reading the definitions that PostgreSQL printed: where brackets and quotes end, what an index is made of."""

import re
from dataclasses import dataclass

_WORD = re.compile(r'"(?:[^"]|"")*"|[\w.]+')


@dataclass(frozen=True)
class IndexParts:
    """The method of an index, the expressions of its keys and its predicate.

    `words` is what follows each key: its order, operator class and collation.
    """

    method: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    predicate: str | None
    nulls_distinct: bool


def index_parts(definition: str) -> IndexParts:
    """Take apart what `pg_get_indexdef` printed."""
    using = definition.index(" USING ")
    opening = definition.index("(", using)
    inside, rest = bracketed(definition, opening)
    parts = _split(inside)
    keys = tuple(_key(part) for part in parts)
    _, where, predicate = rest.partition(" WHERE ")
    return IndexParts(
        method=definition[using + len(" USING ") : opening].strip(),
        keys=keys,
        words=tuple(part.removeprefix(key).strip() for part, key in zip(parts, keys, strict=True)),
        predicate=predicate if where else None,
        nulls_distinct="NULLS NOT DISTINCT" not in rest,
    )


def concurrently(definition: str) -> str:
    """Return the statement that builds the index without stopping writers."""
    return re.sub(r"^CREATE (UNIQUE )?INDEX ", r"CREATE \1INDEX CONCURRENTLY ", definition)


def table_of(definition: str) -> str:
    """Return the table, as it is written, in a statement that builds an index."""
    opening = definition.index(" USING ")
    return definition[definition.rindex(" ON ", 0, opening) + len(" ON ") : opening].removeprefix("ONLY ")


def check_expression(definition: str) -> str:
    """Return the condition of a check constraint."""
    return bracketed(definition, definition.index("("))[0]


def bracketed(text: str, opening: int) -> tuple[str, str]:
    """Return what stands in the bracket that opens at an index, and what follows it."""
    depth = 0
    for position, character in _outside_quotes(text, opening):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return text[opening + 1 : position], text[position + 1 :]
    raise ValueError(f"no bracket closes in {text!r}")


def _split(text: str) -> list[str]:
    parts: list[str] = []
    depth = start = 0
    for position, character in _outside_quotes(text, 0):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, text[start:]]]


def _key(part: str) -> str:
    if part.startswith("("):
        return f"({bracketed(part, 0)[0]})"
    word = _WORD.match(part)
    end = word.end() if word else len(part)
    return f"{part[:end]}({bracketed(part, end)[0]})" if part[end : end + 1] == "(" else part[:end]


def _outside_quotes(text: str, start: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    quote = ""
    for position in range(start, len(text)):
        character = text[position]
        if quote:
            # A doubled quote closes and opens again, which comes to the same.
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            found.append((position, character))
    return found


@dataclass(frozen=True)
class ForeignKey:
    """The columns on both ends of a foreign key, quoted as the server printed them."""

    columns: tuple[str, ...]
    referenced: str
    referenced_columns: tuple[str, ...]

    def orphaned(self, child: str, parents: str, parent: str) -> str:
        """Return the condition that a row of `child` points nowhere; `parents` is a table aliased `parent`."""
        present = [f"{child}.{column} IS NOT NULL" for column in self.columns]
        pairs = zip(self.columns, self.referenced_columns, strict=True)
        equal = " AND ".join(f"{parent}.{theirs} = {child}.{ours}" for ours, theirs in pairs)
        return f"{' AND '.join(present)} AND NOT EXISTS (SELECT FROM {parents} WHERE {equal})"


def foreign_key(definition: str) -> ForeignKey:
    """Take apart what `pg_get_constraintdef` printed of a foreign key, with or without what stands before it."""
    start = definition.index("FOREIGN KEY (")
    columns, rest = bracketed(definition, definition.index("(", start))
    rest = rest.removeprefix(" REFERENCES ")
    opening = next(position for position, character in _outside_quotes(rest, 0) if character == "(")
    return ForeignKey(tuple(_split(columns)), rest[:opening], tuple(_split(bracketed(rest, opening)[0])))
