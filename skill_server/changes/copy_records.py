"""Make records of an entity out of those of another, or of those in the other database."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Copy
from skill_server.model.ids import BackendKind, Name
from skill_server.model.snapshot import Snapshot


class CopyRecords(Change):
    """Records that are made where none has the same `key` yet; `mapping` gives each new field its source field.

    With `database` the records come from there into the other database: the way off one of the two.
    """

    kind: Literal["copy_records"] = "copy_records"
    source: Name
    mapping: Annotated[dict[Name, Name], Field(min_length=1, max_length=500)]
    key: Annotated[tuple[Name, ...], Field(min_length=1, max_length=32)]
    database: BackendKind | None = None
    function: formula.Source | None = None
    present: Name | None = None

    @model_validator(mode="after")
    def _copies_something(self) -> Self:
        if not set(self.key) <= set(self.mapping):
            raise ValueError("the key is made of mapped fields")
        if self.source == self.entity and self.database is None:
            raise ValueError("records are not copied onto themselves; name the database that they come from")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that copies the records."""
        yield action.CopyRecords(
            entity=self.entity,
            copy_of=Copy(
                entity=self.source,
                mapping=self.mapping,
                key=self.key,
                database=self.database,
                formula=formula.function(self.function) if self.function else None,
                present=self.present,
            ),
        )

    def inverse(self) -> Change:
        """Return the change that deletes the copies that nobody wrote to since."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the list of copies."""
        yield action.PurgeValues(entity=self.entity, fields=())

    def describe(self) -> str:
        """Say where the records come from, and what tells them apart."""
        place = f" in {self.database}" if self.database else ""
        return (
            f"Make records of {self.entity} out of those of {self.source}{place}, where none has the same "
            f"{', '.join(self.key)} yet."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield entities and fields that are not there, in the database that reads or writes them."""
        if self.database in (None, snapshot.backend):
            names = {*self.mapping.values()} | ({self.present} if self.present else set[str]())
            for name in sorted(names):
                yield from presence.field_problems(snapshot, self.source, name)
        if self.database != snapshot.backend:
            for name in self.mapping:
                yield from presence.field_problems(snapshot, self.entity, name)


CHANGE = CopyRecords
