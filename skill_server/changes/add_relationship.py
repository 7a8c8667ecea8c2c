"""Let a field name the records of another entity, with a rule for when one of those goes."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, fitness, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import IndexKey, Snapshot


class AddRelationship(Change):
    """A reference that holds for every record; `index` names an index to build over the field, if one is wanted."""

    kind: Literal["add_relationship"] = "add_relationship"
    field: Name
    references: Name
    references_field: Name
    on_delete: action.OnDelete = "no action"
    name: Name | None = None
    index: Name | None = None

    def named(self) -> str:
        """Return the name of the constraint."""
        return self.name or f"fk_{self.entity}_{self.field}"

    def expand(self) -> Iterator[action.Action]:
        """Yield the constraint and the index, if one is asked for."""
        yield action.AddConstraint(
            entity=self.entity,
            name=self.named(),
            spec=action.ReferenceSpec(
                field=self.field,
                references=self.references,
                references_field=self.references_field,
                on_delete=self.on_delete,
            ),
        )
        if self.index is not None:
            yield action.BuildIndex(entity=self.entity, name=self.index, keys=(IndexKey(field=self.field),))

    def inverse(self) -> Change:
        """Return the change that takes both away again."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say what refers to what, and what happens when the other side goes."""
        return (
            f"Let {self.field} of {self.entity} refer to {self.references_field} of {self.references} "
            f"(on delete: {self.on_delete})."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield missing parts, types that differ, a rule that could not act, and names that are taken."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from fitness.reference_problems(
            snapshot, self.entity, self.field, self.references, self.references_field
        )
        yield from fitness.deletion_problems(snapshot, self.entity, self.field, self.on_delete)
        yield from presence.constraint_taken_problems(snapshot, self.entity, self.named())
        if self.index is not None and snapshot.entity(self.entity) is not None:
            yield from presence.index_taken_problems(snapshot, self.entity, self.index)

    def new_names(self) -> tuple[str, ...]:
        """Return the names of the constraint and of the index."""
        return (self.named(), *([self.index] if self.index else []))


CHANGE = AddRelationship
