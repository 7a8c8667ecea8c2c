"""What goes along when an ordinary column is hidden and made anew: generated columns, and what leans on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skill_server.backends.postgres.identifiers import quoted, retired
from skill_server.backends.postgres.render import rebuild
from skill_server.backends.postgres.render.scene import Scene
from skill_server.model.action import RetypeField
from skill_server.model.hazard import Lock
from skill_server.model.plan import Statement
from skill_server.model.snapshot import Dependent, Field


def computed_from(place: Scene, field: str) -> tuple[Field, ...]:
    """Return the generated columns that read a field."""
    names = [item.name for item in place.dependents(field, kinds=("generated column",))]
    return tuple(item for item in place.entity.fields if item.native_name in names)


@dataclass(frozen=True)
class Along:
    """The generated columns with the names that hide them, and what is made again on top."""

    place: Scene
    fields: tuple[str, ...]
    computed: tuple[tuple[str, str, Dependent], ...]
    dependents: tuple[Dependent, ...]

    @classmethod
    def of(cls, action: RetypeField, place: Scene, computed: Sequence[Field]) -> "Along":
        """Collect what goes along with the field of an action."""
        made = {item.name: item for item in place.dependents(action.field, kinds=("generated column",))}
        fields = (action.field, *(item.name for item in computed))
        return cls(
            place,
            fields,
            tuple(
                (
                    quoted(item.native_name),
                    quoted(retired(place.migration, place.entity.name, action.field, item.native_name)),
                    made[item.native_name],
                )
                for item in computed
            ),
            rebuild.rebuilt(place, fields),
        )

    def removals(self) -> Iterator[Statement]:
        """Yield what takes off all that is made again."""
        yield from rebuild.removals(self.dependents)

    def definitions(self) -> Iterator[Statement]:
        """Yield what makes it again."""
        yield from rebuild.definitions(self.dependents)

    def hidden(self) -> Iterator[Statement]:
        """Yield what hides each generated column, which goes on reading the hidden one, and makes it anew."""
        for column, hidden, made in self.computed:
            yield self.place.altered(f"RENAME COLUMN {column} TO {hidden}")
            yield Statement(text=made.definition or "", lock=Lock.ACCESS_EXCLUSIVE)

    def dropped(self) -> Iterator[Statement]:
        """Yield what drops the new generated columns."""
        for column, _, _ in self.computed:
            yield self.place.altered(f"DROP COLUMN {column}")

    def shown(self) -> Iterator[Statement]:
        """Yield what brings the old generated columns back to where they stood."""
        for column, hidden, _ in self.computed:
            yield self.place.altered(f"RENAME COLUMN {hidden} TO {column}")
