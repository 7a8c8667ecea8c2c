"""Let every value of a field follow a rule."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import Kind
from skill_server.model.rule import Plain, Rule
from skill_server.model.snapshot import Snapshot

_ORDERED = frozenset({Kind.INTEGER, Kind.BIG_INTEGER, Kind.FLOAT, Kind.DECIMAL})


class AddCheck(Change):
    """A rule for one field: within bounds (included), one of a list, of a length in characters, of a pattern."""

    kind: Literal["add_check"] = "add_check"
    name: Name
    field: Name
    minimum: int | float | None = None
    maximum: int | float | None = None
    one_of: Annotated[tuple[Plain, ...], Field(max_length=500)] = ()
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _rule_is_one(self) -> Self:
        self.rule()
        return self

    def rule(self) -> Rule:
        """Return the rule alone."""
        return Rule(**{name: getattr(self, name) for name in Rule.model_fields})

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that adds the rule."""
        yield action.AddConstraint(
            entity=self.entity, name=self.name, spec=action.CheckSpec(field=self.field, rule=self.rule())
        )

    def inverse(self) -> Change:
        """Return the change that takes the rule away again."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say the whole rule."""
        said = self.rule().model_dump(mode="json", exclude_defaults=True)
        rule = ", ".join(f"{name.replace('_', ' ')} {canonical(value)}" for name, value in said.items())
        return f"Let every value of {self.field} of {self.entity} follow the rule {self.name}: {rule}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, a name that is taken, and a rule that means nothing for the type."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.constraint_taken_problems(snapshot, self.entity, self.name)
        known = fitness.type_of(snapshot, self.entity, self.field)
        declared = fitness.declared_type_of(snapshot, self.entity, self.field)
        for value in self.one_of:
            yield from fitness.default_problems(snapshot, self.field, declared, value)
        bounds = self.minimum is not None or self.maximum is not None
        text = any(part is not None for part in (self.min_length, self.max_length, self.pattern))
        if (bounds and known is not None and known.kind not in _ORDERED) or (
            text and not formula.textual(known)
        ):
            yield presence.problem(
                "rule-does-not-fit",
                snapshot,
                f"values of {self.field} are {known}: bounds are for numbers, lengths and patterns for text",
                "Leave out what does not fit the type.",
                name=self.field,
            )

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the rule."""
        return (self.name,)


CHANGE = AddCheck
