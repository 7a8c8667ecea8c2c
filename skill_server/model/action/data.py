"""What can be done to values: computed, moved and copied in batches, and by statements that an author wrote."""

from typing import Literal

from skill_server.model.action.base import ActionBase
from skill_server.model.base import Json, JsonObject
from skill_server.model.flow import Assignment, Copy
from skill_server.model.ids import Name


class UpdateValues(ActionBase):
    """Give fields of every record new values, keeping the old ones.

    `forward` computes them. Undone, a record that nobody wrote since gets its old values back; for the others, new ones
    included, `backward` carries what was written over to the fields that it writes, and nothing else is changed.
    Without `forward` nothing happens on the way up, and on the way back `backward` is asked of every record.
    `fill` is the literal that `forward` gives to one empty field; its formula is made anew once a plan knows the type.
    """

    kind: Literal["update_values"] = "update_values"
    forward: Assignment | None = None
    backward: Assignment | None = None
    fill: Json = None

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the fields that are written on the way up."""
        return frozenset(("values", self.entity, name) for name in self.writes())

    def touched(self) -> frozenset[str]:
        """Return the fields that are written on the way up."""
        return frozenset(f"{self.entity}.{name}" for name in self.writes())

    def writes(self) -> tuple[Name, ...]:
        """Return the fields that are written on the way up."""
        return self.forward.writes if self.forward else ()


class CopyRecords(ActionBase):
    """Make records of this entity out of those of another, or of the same entity in the other database.

    Undone, the records it made go again where nobody wrote to them since.
    """

    kind: Literal["copy_records"] = "copy_records"
    copy_of: Copy

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the records of the entity."""
        return frozenset({("records", self.entity, "")})

    def touched(self) -> frozenset[str]:
        """Return the entity."""
        return frozenset({self.entity})


class PurgeValues(ActionBase):
    """Delete the old values that an update, or the list of records that a copy, kept for its undoing."""

    kind: Literal["purge_values"] = "purge_values"
    fields: tuple[Name, ...]

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None


class RunRaw(ActionBase):
    """Statements that an author wrote for both databases and both directions; `entities` are those they change."""

    kind: Literal["run_raw"] = "run_raw"
    postgres: tuple[str, ...]
    mongodb: tuple[JsonObject, ...]
    undo_postgres: tuple[str, ...]
    undo_mongodb: tuple[JsonObject, ...]
    entities: tuple[Name, ...] = ()

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the entities as wholes."""
        return frozenset(("entity", name, "") for name in {self.entity, *self.entities})

    def touched(self) -> frozenset[str]:
        """Return the entities as wholes."""
        return frozenset({self.entity, *self.entities})

    def inverse(self) -> "RunRaw":
        """Return the same with both directions exchanged."""
        return RunRaw(
            entity=self.entity,
            postgres=self.undo_postgres,
            mongodb=self.undo_mongodb,
            undo_postgres=self.postgres,
            undo_mongodb=self.mongodb,
            entities=self.entities,
        )
