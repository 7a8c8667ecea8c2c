"""Build an index without stopping writers."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, ids, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import IndexKey, Snapshot

# PostgreSQL and MongoDB both take at most 32 keys (manual of each, limits).
MOST_KEYS = 32


class AddIndex(Change):
    """An index over fields in this order; a leading "-" sorts a field downwards."""

    kind: Literal["add_index"] = "add_index"
    name: Name
    fields: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_KEYS)]
    unique: bool = False

    @model_validator(mode="after")
    def _fields_are_names(self) -> Self:
        names = [ids.existing_name(key.removeprefix("-")) for key in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("an index names each field once")
        return self

    def keys(self) -> tuple[IndexKey, ...]:
        """Return the fields and their directions."""
        return tuple(
            IndexKey(field=key.removeprefix("-"), descending=key.startswith("-")) for key in self.fields
        )

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that builds the index."""
        yield action.BuildIndex(entity=self.entity, name=self.name, keys=self.keys(), unique=self.unique)

    def inverse(self) -> Change:
        """Return the change that takes the index away."""
        return changes.construct("remove_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which fields, in which direction."""
        kind = "unique index" if self.unique else "index"
        return f"Build the {kind} {self.name} on {self.entity} ({', '.join(self.fields)})."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a taken name, and fields that are not there."""
        yield from presence.index_taken_problems(snapshot, self.entity, self.name)
        if snapshot.entity(self.entity) is not None:
            for key in self.keys():
                yield from presence.field_problems(snapshot, self.entity, key.field or "")

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the index."""
        return (self.name,)


CHANGE = AddIndex
