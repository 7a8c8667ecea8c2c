"""Move fields from one entity to another, record by record where two fields are equal."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment, Homes, Lookup
from skill_server.model.formula import NewField
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot

_FOUND = "found"


class MoveFields(Change):
    """The same fields in another entity; `by` is one pair, a field of `to` and the equal field of this entity.

    Values of records without a counterpart stay with the hidden fields. Records that share a counterpart have to agree,
    and on the way back so do the counterparts that share a record. A value that was written to a counterpart that no
    record has any more has nowhere to go back to, and is listed.
    """

    kind: Literal["move_fields"] = "move_fields"
    to: Name
    fields: Annotated[tuple[NewField, ...], Field(min_length=1, max_length=50)]
    by: Annotated[dict[Name, Name], Field(min_length=1, max_length=1)]

    @model_validator(mode="after")
    def _moves_other_fields(self) -> Self:
        names = self.names()
        if self.to == self.entity:
            raise ValueError("the fields would stay where they are")
        if len(set(names)) < len(names) or {*self.by, *self.by.values()} & set(names):
            raise ValueError("each field moves once, and the fields of `by` stay")
        return self

    def names(self) -> tuple[Name, ...]:
        """Return the names of the fields that move."""
        return tuple(field.name for field in self.fields)

    def expand(self) -> Iterator[action.Action]:
        """Yield the fields there, their values both ways, and the end of the fields here."""
        names = self.names()
        same = {name: name for name in names}
        ((theirs, own),) = self.by.items()
        for field in self.fields:
            yield action.SetNullable(entity=self.entity, field=field.name, nullable=True, with_update=True)
            yield action.AddField(entity=self.to, field=field.name, type=field.type)
        there = Lookup(entity=self.entity, own=theirs, theirs=own, fields=same, many=_FOUND)
        yield action.UpdateValues(
            entity=self.to,
            forward=Assignment(writes=names, lookup=there, formula=formula.agreeing(_FOUND, names)),
        )
        # On the way back this asks the values there, as long as they are there, so it is undone before the fields go.
        here = Lookup(entity=self.to, own=own, theirs=theirs, fields=same, many=_FOUND, homes=Homes())
        agreed = formula.agreeing(_FOUND, names)
        yield action.UpdateValues(
            entity=self.entity, backward=Assignment(writes=names, lookup=here, formula=agreed)
        )
        for name in names:
            yield action.RetireField(entity=self.entity, field=name)

    def inverse(self) -> Change:
        """Return the change that moves the fields back, with what was written to them meanwhile."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old values."""
        yield action.PurgeValues(entity=self.to, fields=self.names())
        for name in self.names():
            yield action.PurgeField(entity=self.entity, field=name)

    def describe(self) -> str:
        """Say what moves where, and by what."""
        ((theirs, own),) = self.by.items()
        return (
            f"Move {', '.join(self.names())} from {self.entity} to {self.to}, where {theirs} of {self.to} equals "
            f"{own} of {self.entity}; the old values are kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield fields that are not there or are keys, and names that are taken."""
        ((theirs, own),) = self.by.items()
        yield from presence.field_problems(snapshot, self.to, theirs)
        yield from presence.field_problems(snapshot, self.entity, own)
        for name in self.names():
            yield from presence.field_problems(snapshot, self.entity, name)
            yield from presence.key_problems(snapshot, self.entity, name)
            if snapshot.entity(self.to) is not None:
                yield from presence.taken_problems(snapshot, self.to, name)

    def new_names(self) -> tuple[str, ...]:
        """Return the names that are new in the other entity."""
        return self.names()

    def retired_names(self) -> frozenset[str]:
        """Return the names of the fields: they go on elsewhere, and code that looks for them here must be found."""
        return frozenset(self.names())


CHANGE = MoveFields
