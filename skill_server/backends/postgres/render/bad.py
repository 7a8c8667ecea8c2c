"""What becomes of values that do not convert: replaced, told beforehand, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.literals import literal
from skill_server.backends.postgres.render.conversions import Conversion, conversion
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.backends.postgres.schema import types
from skill_server.errors import Refused
from skill_server.model.action import PurgeType, RetypeField
from skill_server.model.base import digest
from skill_server.model.hazard import Lock
from skill_server.model.ids import KEPT_NAME
from skill_server.model.logical import BadValues
from skill_server.model.plan import Probe, Statement
from skill_server.model.snapshot import Field


def aside(migration: str, entity: str, field: str) -> str:
    """Return the quoted table that keeps the bad values of a field."""
    return quoted(KEPT_NAME, f"bad_{digest([migration, entity, field], length=16)}")


def kept_aside(place: Scene, table: str, type_: str, value: str, condition: str) -> Iterator[Statement]:
    """Yield the statements that keep values of some rows, with the key of each, or the row where it has none."""
    key = place.key_array("t") if place.entity.key else "to_jsonb(t)"
    yield Statement(text=f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}", lock=Lock.NONE)
    yield Statement(text=f"CREATE TABLE IF NOT EXISTS {table} (key jsonb, value {type_})", lock=Lock.NONE)
    rows = f"SELECT {key}, {value} FROM {place.table} AS t WHERE {condition}"
    yield Statement(text=f"INSERT INTO {table} (key, value) {rows}", lock=Lock.ROW_EXCLUSIVE)


def kept_from_purge(action: PurgeType, place: Scene, hidden: Field) -> Iterator[Statement]:
    """Yield what keeps the old values that did not convert, when all others are deleted."""
    way = conversion(hidden.type, action.to) if hidden.type is not None else None
    if way is not None and way.unfit is not None:
        old = f"t.{quoted(hidden.native_name)}"
        unfit = f"{old} IS NOT NULL AND ({way.unfit(old)})"
        table = aside(place.migration, action.entity, action.field)
        yield from kept_aside(place, table, hidden.native_type, old, unfit)


@dataclass(frozen=True)
class Bad:
    """The policy of one retype."""

    action: RetypeField
    place: Scene
    field: Field

    @property
    def replaced(self) -> bool:
        """Tell whether values that do not convert are replaced, and not refused."""
        return self.action.on_bad is not BadValues.FAIL

    def require_room(self) -> None:
        """Refuse a replacement that the column could not hold (`bad-values-need-room`)."""
        if self.replaced and self.action.on_bad is not BadValues.DEFAULT and not self.field.nullable:
            raise Refused(
                "bad-values-need-room",
                f"{self.action.entity}.{self.action.field} may not be empty, so on_bad={str(self.action.on_bad)!r} has "
                "no room",
                help="Use on_bad='default' with a bad_default, or correct the values.",
            )

    def forward(self, conversion: Conversion) -> Conversion:
        """Return the conversion with what takes the place of a bad value."""
        if not self.replaced:
            return conversion
        default = self.action.on_bad is BadValues.DEFAULT
        return conversion.or_else(literal(self.action.bad_default if default else None, self.action.to))

    def back(self, conversion: Conversion) -> Conversion:
        """Return the way back: the default as the old type spells it, or nothing."""
        if not self.replaced:
            return conversion
        if self.action.on_bad is not BadValues.DEFAULT:
            return conversion.or_else("NULL")
        default = literal(self.action.bad_default, self.action.to)
        return conversion.or_else(conversion.or_else("NULL").value(default))

    def returning(self, conversion: Conversion, column: str, changed: str) -> Iterator[Statement]:
        """Yield what keeps aside the values written since that do not fit the old type."""
        if self.replaced and conversion.unfit is not None:
            unfit = f"t.{column} IS NOT NULL AND {changed} AND ({conversion.unfit(f't.{column}')})"
            native = types.native(self.action.to)
            table = aside(self.place.migration, self.place.entity.name, self.action.field)
            yield from kept_aside(self.place, table, native, f"t.{column}", unfit)

    def needs_default(self, conversion: Conversion) -> Iterator[Probe]:
        """Yield the question whether the default has a counterpart in the old type, where one is needed."""
        if (
            self.action.on_bad is BadValues.DEFAULT
            and not self.field.nullable
            and conversion.unfit is not None
        ):
            yield probe(
                f"bad-default-of-{self.action.field}",
                f"defaults for bad values of {self.place.entity.name}.{self.action.field} do not fit {self.action.was}",
                "Choose a bad_default that both types hold.",
                f"SELECT 'bad_default' WHERE {conversion.unfit(literal(self.action.bad_default, self.action.to))}",
            )
