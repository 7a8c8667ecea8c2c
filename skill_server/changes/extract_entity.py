"""Make records of a new entity out of the objects in an array; the array is hidden and kept."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment, Copy, Lookup
from skill_server.model.formula import NewField
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Snapshot

_FOUND = "found"
# The name under which a copy reads the place of an object in its array.
_INDEX = "index"


class ExtractEntity(Change):
    """Each object in `field` becomes a record of `to`, told apart by whose it is and its place in the array.

    `own_field` identifies this entity's records, `reference` names it in `to`, `position` counts from 0. `fields` are
    the members that become fields; what else an object holds stays in the hidden array.
    """

    kind: Literal["extract_entity"] = "extract_entity"
    field: Name
    to: Name
    fields: Annotated[tuple[NewField, ...], Field(min_length=1, max_length=200)]
    own_field: Name
    own_type: FieldType
    reference: Name
    position: Name = "position"
    on_delete: action.OnDelete = "cascade"

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [self.reference, self.position, *self.names()]
        if len(set(names)) < len(names):
            raise ValueError("the fields of the new entity have names of their own")
        return self

    def names(self) -> tuple[Name, ...]:
        """Return the members that become fields."""
        return tuple(field.name for field in self.fields)

    def expand(self) -> Iterator[action.Action]:
        """Yield the new entity with its reference and records, and the end of the array."""
        key = (self.reference, self.position)
        members = {name: name for name in self.names()}
        yield action.AddEntity(
            entity=self.to,
            fields=(
                action.FieldSpec(name=self.reference, type=self.own_type, nullable=False),
                action.FieldSpec.model_validate(
                    {"name": self.position, "type": "Integer", "nullable": False}
                ),
                *(action.FieldSpec(name=field.name, type=field.type) for field in self.fields),
            ),
            key=key,
        )
        yield action.AddConstraint(
            entity=self.to,
            name=f"fk_{self.to}_{self.reference}",
            spec=action.ReferenceSpec(
                field=self.reference,
                references=self.entity,
                references_field=self.own_field,
                on_delete=self.on_delete,
            ),
        )
        yield action.CopyRecords(
            entity=self.to,
            copy_of=Copy(
                entity=self.entity,
                mapping={self.reference: self.own_field, self.position: _INDEX, **members},
                key=key,
                present=self.field,
                each=self.field,
            ),
        )
        yield action.SetNullable(entity=self.entity, field=self.field, nullable=True, with_update=True)
        # On the way back this asks the records, so it is undone before they go.
        yield action.UpdateValues(
            entity=self.entity,
            backward=Assignment(
                writes=(self.field,),
                reads=(self.field,),
                lookup=Lookup(
                    entity=self.to,
                    own=self.own_field,
                    theirs=self.reference,
                    fields={self.position: self.position, **members},
                    many=_FOUND,
                ),
                formula=formula.array(self.field, _FOUND, self.position),
            ),
        )
        yield action.RetireField(entity=self.entity, field=self.field)

    def inverse(self) -> Change:
        """Return the change that brings the array back, with what was written to the records meanwhile."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old arrays."""
        yield action.PurgeValues(entity=self.to, fields=())
        yield action.PurgeField(entity=self.entity, field=self.field)

    def describe(self) -> str:
        """Say what becomes of the objects."""
        return (
            f"Make a record of the new entity {self.to} out of every object in {self.field} of {self.entity}; "
            "the arrays are kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield parts that are not there or of another type, a name that is taken, and members that are no JSON."""
        yield from presence.entity_taken_problems(snapshot, self.to)
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.key_problems(snapshot, self.entity, self.field)
        yield from fitness.array_problems(snapshot, self.entity, self.field)
        yield from fitness.reference_problems(
            snapshot, self.entity, self.own_field, self.entity, self.own_field
        )
        yield from fitness.type_problems(snapshot, self.entity, self.own_field, self.own_type)
        for field in self.fields:
            yield from fitness.member_problems(snapshot, field.name, field.type)

    def new_names(self) -> tuple[str, ...]:
        """Return the names of the entity, of its fields and of its reference."""
        return (self.to, self.reference, self.position, *self.names(), f"fk_{self.to}_{self.reference}")

    def retired_names(self) -> frozenset[str]:
        """Return the name of the array."""
        return frozenset({self.field})


CHANGE = ExtractEntity
