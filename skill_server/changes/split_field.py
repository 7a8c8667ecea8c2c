"""Cut the values of a field into several new fields; the old field is hidden and kept."""

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


class SplitField(Change):
    """One field becomes several, at a separator or by a pair of functions, one for each direction."""

    kind: Literal["split_field"] = "split_field"
    field: Name
    into: Annotated[tuple[NewField, ...], Field(min_length=2, max_length=50)]
    separator: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    function: formula.Source | None = None
    back_function: formula.Source | None = None

    @model_validator(mode="after")
    def _is_one_way_of_splitting(self) -> Self:
        names = [part.name for part in self.into]
        if len({*names, self.field}) <= len(names):
            raise ValueError("the parts have names of their own")
        formula.require_one_way(self.separator, self.function, self.back_function)
        if self.separator is not None and not all(formula.textual(part.type) for part in self.into):
            raise ValueError("a separator makes text; give functions for parts of another type")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the new fields, their values both ways, and the end of the old field."""
        parts = tuple(part.name for part in self.into)
        # A field that may be empty comes back without a fill for records written meanwhile; those get the joined parts.
        yield action.SetNullable(entity=self.entity, field=self.field, nullable=True, with_update=True)
        for part in self.into:
            yield action.AddField(entity=self.entity, field=part.name, type=part.type)
        yield action.UpdateValues(
            entity=self.entity,
            forward=Assignment(
                writes=parts,
                reads=(self.field,),
                formula=formula.function(self.function)
                if self.function
                else formula.splitting(self.field, parts, self.separator or ""),
            ),
            backward=Assignment(
                writes=(self.field,),
                reads=parts,
                formula=formula.function(self.back_function)
                if self.back_function
                else formula.joining(parts, self.field, self.separator or ""),
            ),
        )
        yield action.RetireField(entity=self.entity, field=self.field)

    def inverse(self) -> Change:
        """Return the change that brings the one field back, with what was written to its parts meanwhile."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old values."""
        yield action.PurgeValues(entity=self.entity, fields=tuple(part.name for part in self.into))
        yield action.PurgeField(entity=self.entity, field=self.field)

    def describe(self) -> str:
        """Say all names."""
        parts = ", ".join(f"{part.name} ({part.type})" for part in self.into)
        return f"Split the field {self.field} of {self.entity} into {parts}; its old values are kept."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, is a key or no text, and names that are taken."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.key_problems(snapshot, self.entity, self.field)
        if self.separator is not None:
            yield from fitness.text_problems(snapshot, self.entity, self.field)
        if snapshot.entity(self.entity) is not None:
            for part in self.into:
                yield from presence.taken_problems(snapshot, self.entity, part.name)

    def new_names(self) -> tuple[str, ...]:
        """Return the names of the parts."""
        return tuple(part.name for part in self.into)

    def retired_names(self) -> frozenset[str]:
        """Return the name of the field."""
        return frozenset({self.field})


CHANGE = SplitField
