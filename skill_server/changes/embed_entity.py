"""Put the records of an entity as objects into an array of those they belong to; the entity is hidden and kept."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment, Homes, Lookup
from skill_server.model.ids import Name
from skill_server.model.logical import parse
from skill_server.model.snapshot import Snapshot

_FOUND = "found"


class EmbedEntity(Change):
    """The new field `field` holds the records of `source` whose `reference` equals `own_field`, in order of their key.

    `key` identifies the records of `source` and is a member of the objects too, so that what was written to an object
    goes back to its record. Objects and members that were added and objects that were taken out meanwhile are listed on
    the way back, because a record may need more than its object says, and others may refer to it.
    """

    kind: Literal["embed_entity"] = "embed_entity"
    field: Name
    source: Name
    fields: Annotated[tuple[Name, ...], Field(min_length=1, max_length=200)]
    own_field: Name
    reference: Name
    key: Name

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [self.reference, self.key, *self.fields]
        if len(set(names)) < len(names):
            raise ValueError("fields are the members besides the key, without the reference")
        if self.source == self.entity:
            raise ValueError("an entity is not embedded in itself")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the array with its objects, and the end of the entity."""
        members = (self.key, *self.fields)
        yield action.AddField(entity=self.entity, field=self.field, type=parse("Json"))
        yield action.UpdateValues(
            entity=self.entity,
            forward=Assignment(
                writes=(self.field,),
                lookup=Lookup(
                    entity=self.source,
                    own=self.own_field,
                    theirs=self.reference,
                    fields={name: name for name in members},
                    many=self.field,
                ),
            ),
        )
        # On the way back this asks the arrays, so it is undone before they go.
        yield action.UpdateValues(
            entity=self.source,
            backward=Assignment(
                writes=self.fields,
                reads=members,
                lookup=Lookup(
                    entity=self.entity,
                    own=self.reference,
                    theirs=self.own_field,
                    fields={self.field: _FOUND},
                    homes=Homes(each=self.field, key=self.key, members=members),
                ),
                formula=formula.element(_FOUND, self.key, self.key, self.fields),
            ),
        )
        yield action.RetireEntity(entity=self.source)

    def inverse(self) -> Change:
        """Return the change that brings the entity back, with what was written to the objects meanwhile."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the kept records."""
        yield action.PurgeValues(entity=self.entity, fields=(self.field,))
        yield action.PurgeEntity(entity=self.source)

    def describe(self) -> str:
        """Say what goes where, and by what."""
        return (
            f"Put the records of {self.source} as objects into the array {self.field} of {self.entity}, where "
            f"{self.reference} equals {self.own_field}; {self.source} is kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield parts that are not there, a name that is taken, and values that no JSON holds."""
        yield from presence.taken_problems(snapshot, self.entity, self.field)
        if snapshot.entity(self.entity) is not None:
            yield from presence.field_problems(snapshot, self.entity, self.own_field)
        for name in (self.reference, self.key, *self.fields):
            yield from presence.field_problems(snapshot, self.source, name)
        for name in (self.key, *self.fields):
            yield from fitness.member_problems(snapshot, name, fitness.type_of(snapshot, self.source, name))

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the array."""
        return (self.field,)

    def retired_names(self) -> frozenset[str]:
        """Return the name of the entity."""
        return frozenset({self.source})


CHANGE = EmbedEntity
