"""What a random history of changes knows of the schema so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from skill_server.model.logical import LogicalType
from tests.property.shapes import Shape

MAIN = "things"


@dataclass(frozen=True)
class Thing:
    """An entity of the draft: fields with their types, those that indexes or constraints name, and names in use."""

    fields: dict[str, LogicalType]
    required: frozenset[str] = frozenset()
    indexes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    checks: dict[str, str] = field(default_factory=dict[str, str])
    defaulted: frozenset[str] = frozenset()

    def loose(self) -> list[str]:
        """Return the fields that neither an index nor a check names."""
        named = {name for names in self.indexes.values() for name in names} | set(self.checks.values())
        return [name for name in self.fields if name not in named]


@dataclass(frozen=True)
class Draft:
    """The logical schema that both databases have by now, and how many names were given so far."""

    entities: dict[str, Thing]
    given: int = 0

    @classmethod
    def of(cls, shape: Shape) -> Draft:
        """Return what a shape begins with."""
        indexes = {"there": shape.indexed} if shape.indexed else {}
        return cls({MAIN: Thing(dict(shape.fields), shape.required, indexes)})

    def with_entity(self, name: str, thing: Thing | None, *, gone: str | None = None) -> Draft:
        """Return the draft with an entity put in place, or taken out."""
        entities = {key: value for key, value in self.entities.items() if key != gone}
        if thing is not None:
            entities[name] = thing
        return Draft(entities, self.given + 1)
