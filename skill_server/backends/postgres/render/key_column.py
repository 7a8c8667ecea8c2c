"""One of the columns that change their type together, because foreign keys tie them to each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.render.conversions import Conversion
from skill_server.backends.postgres.render.parts import duplicate_keys
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.backends.postgres.schema import definitions, types
from skill_server.model.hazard import Lock
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.plan import Probe, Statement
from skill_server.model.snapshot import Field

WHOLE = frozenset({Kind.INTEGER, Kind.BIG_INTEGER})
_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_HIGHEST = {Kind.INTEGER: 2**31 - 1, Kind.BIG_INTEGER: 2**63 - 1}
_KEY = quoted("database_migration key")


@dataclass(frozen=True)
class KeyColumn:
    """A column, its conversion both ways, and the column beside it that keeps the old values.

    `parent` is the column that a foreign key of this one points to; the column that the author named has none.
    """

    place: Scene
    field: Field
    to: LogicalType
    forward: Conversion
    back: Conversion
    hidden: str
    parent: "KeyColumn | None" = None

    @property
    def column(self) -> str:
        """The quoted column."""
        return quoted(self.field.native_name)

    @property
    def sequence(self) -> tuple[str, str] | None:
        """The sequence that numbers the column, with its type."""
        name, kind = self._fact("sequence"), self._fact("sequence_type")
        return (name, kind) if name and kind else None

    @property
    def has_default(self) -> bool:
        """Whether a default is written out; what identity and generation compute is none."""
        return self.field.default is not None and not self.field.generated and not self.field.identity

    @property
    def collated(self) -> str:
        """The clause that gives the old type its collation back."""
        collation = self._fact("collation")
        return f" COLLATE {collation}" if collation else ""

    def makes_room(self) -> Statement:
        """Return the statement that adds the column for the old values."""
        return self.place.altered(f"ADD COLUMN {self.hidden} {self.field.native_type}{self.collated}")

    def conversion(self) -> tuple[str, str]:
        """Return the parts of one ALTER TABLE that keep the old value and convert it, in one pass over the table."""
        native = types.native(self.to)
        collated = self.collated if self.to.kind in _TEXTUAL else ""
        return (
            f"ALTER COLUMN {self.hidden} TYPE {self.field.native_type}{self.collated} USING {self.column}",
            f"ALTER COLUMN {self.column} TYPE {native}{collated} USING {self.converted(self.column)}",
        )

    def return_(self) -> str:
        """Return the part of one ALTER TABLE that gives the column its old type and values."""
        native = f"{self.field.native_type}{self.collated}"
        return f"ALTER COLUMN {self.column} TYPE {native} USING {self.hidden}"

    def converted(self, operand: str) -> str:
        """Return the new value of an old one."""
        return f"CASE WHEN {operand} IS NOT NULL THEN {self.forward.value(operand)} END"

    def changed(self, alias: str = "") -> str:
        """Return the condition that a value was written since."""
        dot = f"{alias}." if alias else ""
        return f"{dot}{self.column} IS DISTINCT FROM {self.converted(f'{dot}{self.hidden}')}"

    def refreshed(self) -> Iterator[Statement]:
        """Yield the statements that give the hidden column the old spelling of what was written since."""
        again = f"CASE WHEN {self.column} IS NOT NULL THEN {self.back.value(self.column)} END"
        texts = [f"UPDATE {self.place.table} SET {self.hidden} = {again} WHERE {self.changed()}"]
        if self.parent is not None and not self.keeps_apart:
            # Several old spellings may have become one value; a reference needs that of the row it points to.
            parent = self.parent
            texts.append(
                f"UPDATE {self.place.table} AS c SET {self.hidden} = p.{parent.hidden} "
                f"FROM {parent.place.table} AS p WHERE p.{parent.column} = c.{self.column} "
                f"AND c.{self.hidden} IS DISTINCT FROM p.{parent.hidden}"
            )
        yield from self.place.silenced(*(Statement(text=text, lock=Lock.ROW_EXCLUSIVE) for text in texts))

    @property
    def keeps_apart(self) -> bool:
        """Whether two old values never become one new value, nor two new values one old value."""
        kinds = {self.field.type.kind if self.field.type else None, self.to.kind}
        return kinds <= WHOLE or kinds <= _TEXTUAL

    def unfit(self) -> Iterator[Probe]:
        """Ask for values that have no new one, or share it, and for a sequence that has gone too far."""
        ways = f"{self.field.type} to {self.to}"
        entity, name = self.place.entity.name, self.field.name
        if self.forward.unfit is not None:
            bad = self.forward.unfit(f"t.{self.column}")
            yield probe(
                f"unfit-{entity}-{name}",
                f"records of {entity} have a value in {name} that cannot go from {ways}",
                "Correct these values.",
                f"SELECT {self.place.key('t')} FROM {self.place.table} AS t "
                f"WHERE t.{self.column} IS NOT NULL AND ({bad})",
            )
        value = self._guarded(self.forward, f"t.{self.column}")
        yield from self._collisions(f"CASE WHEN t.{self.column} IS NOT NULL THEN {value} END")
        yield from self._gone_too_far(self.to.kind)

    def unfit_back(self) -> Iterator[Probe]:
        """Ask the same of the way back, of the values that were written since."""
        entity, name = self.place.entity.name, self.field.name
        if self.back.unfit is not None:
            bad = self.back.unfit(f"t.{self.column}")
            yield probe(
                f"unfit-{entity}-{name}",
                f"records of {entity} got a value in {name} that does not fit {self.field.type}",
                "Correct these values.",
                f"SELECT {self.place.key('t')} FROM {self.place.table} AS t "
                f"WHERE {self.changed('t')} AND t.{self.column} IS NOT NULL AND ({bad})",
            )
        value = self._guarded(self.back, f"t.{self.column}")
        yield from self._collisions(
            f"CASE WHEN {self.changed('t')} THEN CASE WHEN t.{self.column} IS NOT NULL THEN {value} END "
            f"ELSE t.{self.hidden} END"
        )
        if self.field.type is not None:
            yield from self._gone_too_far(self.field.type.kind)

    def _guarded(self, conversion: Conversion, operand: str) -> str:
        """Return the conversion, or NULL where another question already names the value."""
        value = conversion.value(operand)
        if conversion.unfit is None:
            return value
        return f"CASE WHEN ({conversion.unfit(operand)}) THEN NULL ELSE {value} END"

    def _collisions(self, value: str) -> Iterator[Probe]:
        if self.keeps_apart:
            return
        others = [f"t.{quoted(item.native_name)}" for item in self.place.entity.fields if item != self.field]
        columns = ", ".join([f"{self.place.key('t')} AS {_KEY}", *others, f"{value} AS {self.column}"])
        rows = f"(SELECT {columns} FROM {self.place.table} AS t) AS t"
        for index in self.place.entity.indexes:
            if index.unique and self.field.name in index.fields:
                parts = definitions.index_parts(index.definition)
                yield duplicate_keys(self.place, index.name, parts, rows, key=f"t.{_KEY}")

    def _gone_too_far(self, kind: Kind) -> Iterator[Probe]:
        if self.sequence is None or kind not in _HIGHEST:
            return
        name, _ = self.sequence
        yield probe(
            f"sequence-of-{self.place.entity.name}-{self.field.name}",
            f"sequences of {self.place.entity.name}.{self.field.name} have gone further than {kind} can count",
            "Set the sequence back to a number that the type can hold.",
            f"SELECT 'last value ' || last_value::text FROM {name} WHERE last_value > {_HIGHEST[kind]}",
        )

    def _fact(self, name: str) -> str | None:
        columns = cast("dict[str, dict[str, str]]", self.place.entity.options.get("columns", {}))
        return columns.get(self.field.name, {}).get(name)
