"""Put the values of several fields together in a new one; the old fields are hidden and kept."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment
from skill_server.model.formula import NewField
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class MergeFields(Change):
    """Several fields become one, with a separator or by a pair of functions, one for each direction."""

    kind: Literal["merge_fields"] = "merge_fields"
    fields: Annotated[tuple[Name, ...], Field(min_length=2, max_length=50)]
    into: NewField
    separator: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    function: formula.Source | None = None
    back_function: formula.Source | None = None

    @model_validator(mode="after")
    def _is_one_way_of_merging(self) -> Self:
        if len({*self.fields, self.into.name}) <= len(self.fields):
            raise ValueError("the merged field has a name of its own, and each part is named once")
        formula.require_one_way(self.separator, self.function, self.back_function)
        if self.separator is not None and not formula.textual(self.into.type):
            raise ValueError("a separator makes text; give functions for a field of another type")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the new field, its values both ways, and the end of the old fields."""
        for name in self.fields:
            # A field that may be empty comes back without a fill for records written meanwhile; those are split again.
            yield action.SetNullable(entity=self.entity, field=name, nullable=True, with_update=True)
        yield action.AddField(entity=self.entity, field=self.into.name, type=self.into.type)
        yield action.UpdateValues(
            entity=self.entity,
            forward=Assignment(
                writes=(self.into.name,),
                reads=self.fields,
                formula=formula.function(self.function)
                if self.function
                else formula.joining(self.fields, self.into.name, self.separator or ""),
            ),
            backward=Assignment(
                writes=self.fields,
                reads=(self.into.name,),
                formula=formula.function(self.back_function)
                if self.back_function
                else formula.splitting(self.into.name, self.fields, self.separator or ""),
            ),
        )
        for name in self.fields:
            yield action.RetireField(entity=self.entity, field=name)

    def inverse(self) -> Change:
        """Return the change that brings the fields back, with what was written to the merged one meanwhile."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old values."""
        yield action.PurgeValues(entity=self.entity, fields=(self.into.name,))
        for name in self.fields:
            yield action.PurgeField(entity=self.entity, field=name)

    def describe(self) -> str:
        """Say all names."""
        return (
            f"Merge the fields {', '.join(self.fields)} of {self.entity} into {self.into.name} ({self.into.type}); "
            "their old values are kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield fields that are not there, are keys or no text, and a name that is taken."""
        for name in self.fields:
            yield from presence.field_problems(snapshot, self.entity, name)
            yield from presence.key_problems(snapshot, self.entity, name)
            if self.separator is not None:
                yield from fitness.text_problems(snapshot, self.entity, name)
        if snapshot.entity(self.entity) is not None:
            yield from presence.taken_problems(snapshot, self.entity, self.into.name)

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the merged field."""
        return (self.into.name,)

    def retired_names(self) -> frozenset[str]:
        """Return the names of the fields."""
        return frozenset(self.fields)


CHANGE = MergeFields
