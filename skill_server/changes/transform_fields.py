"""Compute fields of every record anew, by a pair of functions or of expressions, one for each direction."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, formula, presence
from skill_server.model.base import Json
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment, Expressions, Formula
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot

# As {"postgres": {field: SQL}, "mongodb": {field: aggregation expression}}.
ExpressionPair = Annotated[dict[Literal["postgres", "mongodb"], dict[Name, Json]], Field(max_length=2)]


class TransformFields(Change):
    """New values for `writes`, from `reads`; the old ones are kept.

    Where records were written meanwhile, the way back computes `back_writes` from `writes`; without a back function or
    back expressions those keep what was written. `expressions` are SQL over the fields of `t`, and aggregation
    expressions.
    """

    kind: Literal["transform_fields"] = "transform_fields"
    writes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    reads: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    function: formula.Source | None = None
    expressions: ExpressionPair | None = None
    back_writes: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    back_function: formula.Source | None = None
    back_expressions: ExpressionPair | None = None

    @model_validator(mode="after")
    def _directions_are_whole(self) -> Self:
        if self._forward() is None:
            raise ValueError("give a function or expressions")
        if bool(self.back_writes) != (self._backward() is not None):
            raise ValueError("name in back_writes what the back function or back expressions compute")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that computes the values, both ways."""
        back = self._backward()
        yield action.UpdateValues(
            entity=self.entity,
            forward=Assignment(writes=self.writes, reads=self.reads, formula=self._forward()),
            backward=Assignment(writes=self.back_writes, reads=self.writes, formula=back) if back else None,
        )

    def inverse(self) -> Change:
        """Return the change that brings the old values back."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the old values."""
        yield action.PurgeValues(entity=self.entity, fields=self.writes)

    def describe(self) -> str:
        """Say what is computed from what."""
        source = f" from {', '.join(self.reads)}" if self.reads else ""
        return (
            f"Compute {', '.join(self.writes)} of every record of {self.entity}{source}; old values are kept."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield fields that are not there, or that identify records."""
        for name in dict.fromkeys((*self.writes, *self.reads, *self.back_writes)):
            yield from presence.field_problems(snapshot, self.entity, name)
        for name in dict.fromkeys((*self.writes, *self.back_writes)):
            yield from presence.key_problems(snapshot, self.entity, name)

    def _forward(self) -> Formula | None:
        return _formula(self.function, self.expressions, self.writes)

    def _backward(self) -> Formula | None:
        return _formula(self.back_function, self.back_expressions, self.back_writes)


def _formula(
    source: str | None, expressions: dict[Any, dict[str, Json]] | None, writes: tuple[str, ...]
) -> Formula | None:
    if source is not None and expressions is not None:
        raise ValueError("give a function or expressions, not both")
    if expressions is None:
        return formula.function(source) if source is not None else None
    pair = Expressions.model_validate(expressions)
    if not set(writes) == set(pair.postgres) == set(pair.mongodb):
        raise ValueError("each written field has one expression for each database")
    return pair


CHANGE = TransformFields
