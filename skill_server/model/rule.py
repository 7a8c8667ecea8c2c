"""A rule for the values of one field, in words that a PostgreSQL check and a MongoDB validator both have."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from skill_server.model.base import Frozen

# A pattern in the part of the language that both regular expression engines (PostgreSQL's ARE, PCRE2) read alike.
_PATTERN_WORD = re.compile(
    r"[A-Za-z0-9 _@:;,/=<>!#%&~-]|\\[.\\+*?()\[\]{}|^$-]|[.^$|()+*?]|\[\^?[A-Za-z0-9 _.@:-]+\]|\{\d{1,3}(,\d{0,3})?\}"
)

Plain = str | int | float | bool


class Rule(Frozen):
    """What values may be: within bounds (both included), one of a list, of a length in characters, of a pattern."""

    minimum: int | float | None = None
    maximum: int | float | None = None
    one_of: Annotated[tuple[Plain, ...], Field(max_length=500)] = ()
    min_length: Annotated[int, Field(ge=0)] | None = None
    max_length: Annotated[int, Field(ge=0)] | None = None
    pattern: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError(
                "a rule says at least one of minimum, maximum, one_of, min_length, max_length, pattern"
            )
        if self.pattern is not None and "".join(_words(self.pattern)) != self.pattern:
            raise ValueError(
                "a pattern is made of literal characters, ., [...] without classes, groups, |, ^, $, *, +, ? and "
                "{n,m}, because the two databases read the rest differently"
            )
        return self


def _words(pattern: str) -> list[str]:
    return [match.group() for match in _PATTERN_WORD.finditer(pattern)]
