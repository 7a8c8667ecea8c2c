"""Let records have several of what they could have one of, by way of an entity of links."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment, Copy, Lookup
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Snapshot

_LINKS = "links"


class MakeManyToMany(Change):
    """The reference `field` becomes the entity `through`, one record for each pair of `own_field` and `field`.

    A record that has several links when the change is undone is listed, because `field` holds one.
    """

    kind: Literal["make_many_to_many"] = "make_many_to_many"
    field: Name
    through: Name
    own_field: Name
    own_type: FieldType
    references: Name
    references_field: Name
    references_type: FieldType
    on_delete: action.OnDelete = "cascade"

    @model_validator(mode="after")
    def _pair_is_two(self) -> Self:
        if self.own_field == self.field:
            raise ValueError("a link is a pair of two fields")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the links with their references and records, and the end of the field."""
        pair = (self.own_field, self.field)
        yield action.AddEntity(
            entity=self.through,
            fields=(
                action.FieldSpec(name=self.own_field, type=self.own_type, nullable=False),
                action.FieldSpec(name=self.field, type=self.references_type, nullable=False),
            ),
            key=pair,
        )
        for name, entity, theirs in (
            (self.own_field, self.entity, self.own_field),
            (self.field, self.references, self.references_field),
        ):
            yield action.AddConstraint(
                entity=self.through,
                name=f"fk_{self.through}_{name}",
                spec=action.ReferenceSpec(
                    field=name, references=entity, references_field=theirs, on_delete=self.on_delete
                ),
            )
        yield action.CopyRecords(
            entity=self.through,
            copy_of=Copy(
                entity=self.entity, mapping={name: name for name in pair}, key=pair, present=self.field
            ),
        )
        yield action.SetNullable(entity=self.entity, field=self.field, nullable=True, with_update=True)
        # On the way back this asks the links, so it is undone before they go.
        yield action.UpdateValues(
            entity=self.entity,
            backward=Assignment(
                writes=(self.field,),
                lookup=Lookup(
                    entity=self.through,
                    own=self.own_field,
                    theirs=self.own_field,
                    fields={self.field: self.field},
                    many=_LINKS,
                ),
                formula=formula.only_link(self.field, _LINKS),
            ),
        )
        yield action.RetireField(entity=self.entity, field=self.field)

    def inverse(self) -> Change:
        """Return the change that brings the one reference back."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old references."""
        yield action.PurgeValues(entity=self.through, fields=())
        yield action.PurgeField(entity=self.entity, field=self.field)

    def describe(self) -> str:
        """Say what refers to what, and by way of what."""
        return (
            f"Let a record of {self.entity} have several {self.references} by way of {self.through}, which takes over "
            f"what {self.field} says; its old values are kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield parts that are not there or of another type, and a name that is taken."""
        yield from presence.entity_taken_problems(snapshot, self.through)
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.key_problems(snapshot, self.entity, self.field)
        yield from fitness.reference_problems(
            snapshot, self.entity, self.field, self.references, self.references_field
        )
        yield from fitness.reference_problems(
            snapshot, self.entity, self.own_field, self.entity, self.own_field
        )
        yield from fitness.type_problems(snapshot, self.entity, self.own_field, self.own_type)
        yield from fitness.type_problems(
            snapshot, self.references, self.references_field, self.references_type
        )

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the entity of links, and of its references."""
        return (self.through, f"fk_{self.through}_{self.own_field}", f"fk_{self.through}_{self.field}")

    def retired_names(self) -> frozenset[str]:
        """Return the name of the field."""
        return frozenset({self.field})


CHANGE = MakeManyToMany
