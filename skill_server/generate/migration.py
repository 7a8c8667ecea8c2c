"""A migration as a value: what its file says, without how it is laid out."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from skill_server.changes import AnyChange
from skill_server.generate import functions
from skill_server.model import base, ids, values
from skill_server.model.base import Frozen
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind, Name, Revision


def _one_paragraph(text: str) -> str:
    """Return text with every run of white space as one blank; raise ValueError where nothing is left."""
    words = " ".join(values.plain_text(text).split())
    if not words:
        raise ValueError("write a sentence")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in words):
        raise ValueError("text holds no control characters")
    return words


Paragraph = Annotated[str, AfterValidator(_one_paragraph), Field(min_length=1, max_length=4000)]
Summary = Annotated[str, AfterValidator(_one_paragraph), Field(min_length=1, max_length=200)]


class Migration(Frozen):
    """A revision of the schema of both databases.

    `not_applicable` says why a database takes no part; `acknowledged` why a retired name may stay in code.

    Raises:
        Invalid: a change gives a name that may not be given (`name-not-allowed`).
    """

    revision: Revision
    down_revision: Revision | None = None
    summary: Summary
    reason: Paragraph
    changes: Annotated[tuple[AnyChange, ...], Field(min_length=1, max_length=500)]
    not_applicable: dict[BackendKind, Paragraph] = {}
    acknowledged: dict[Name, Paragraph] = {}

    @field_validator("changes")
    @classmethod
    def _functions_are_as_written(cls, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        # In one spelling, so that the file that is written reads back as the same migration.
        spelled = tuple(functions.canonical(change) for change in changes)
        functions.named(spelled)
        return spelled

    @model_validator(mode="after")
    def _new_names_are_allowed(self) -> Self:
        for change in self.changes:
            for name in change.new_names():
                ids.require_new_name(name)
        if set(self.not_applicable) == set(BackendKind):
            raise ValueError("a migration applies to at least one database")
        if self.down_revision == self.revision:
            raise ValueError("a migration does not follow itself")
        return self

    # Not cached: pydantic's `model_copy(update=…)` would take a cached digest along.
    @property
    def digest(self) -> str:
        """The digest of everything that decides what runs, and of why; the layout of the file is no part of it."""
        return base.digest(self)

    def undoing(self) -> tuple[Change, ...]:
        """Return the changes of the downgrade, in order."""
        return tuple(change.inverse() for change in reversed(self.changes))

    def retired_names(self) -> tuple[str, ...]:
        """Return, sorted, what code must no longer use after the upgrade."""
        return tuple(sorted(frozenset[str]().union(*(change.retired_names() for change in self.changes))))
