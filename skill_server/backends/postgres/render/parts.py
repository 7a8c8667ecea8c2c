"""What has to be taken off a column before it is hidden, and how each part is put back and proven to fit."""

from collections.abc import Iterator
from dataclasses import dataclass

from skill_server.backends.postgres.identifiers import quoted, table
from skill_server.backends.postgres.render.scene import Scene, probe, refuse_dependents
from skill_server.backends.postgres.schema import definitions
from skill_server.errors import Refused
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.plan import Probe, Statement
from skill_server.model.snapshot import Constraint, Dependent, Index

_DROP_ORDER = ("foreign_key", "check", "exclusion", "unique")
_COPIES = quoted("database_migration copies")


@dataclass(frozen=True)
class Parts:
    """The indexes, constraints and inbound foreign keys that name one field."""

    place: Scene
    field: str
    indexes: tuple[Index, ...]
    constraints: tuple[Constraint, ...]
    inbound: tuple[Dependent, ...]

    def joined(self, other: "Parts") -> "Parts":
        """Return these parts and those of another field of the same table, each once."""
        constraints = dict.fromkeys((*self.constraints, *other.constraints))
        return Parts(
            self.place,
            self.field,
            indexes=tuple({item.name: item for item in (*self.indexes, *other.indexes)}.values()),
            constraints=tuple(sorted(constraints, key=lambda item: _DROP_ORDER.index(item.kind))),
            inbound=tuple({item.name: item for item in (*self.inbound, *other.inbound)}.values()),
        )

    def drops(self) -> tuple[Statement, ...]:
        """Return what takes all of them off; foreign keys first, because they lean on the unique ones."""
        return (
            *(Statement(text=key.removal or "", lock=Lock.ACCESS_EXCLUSIVE) for key in self.inbound),
            *(
                self.place.altered(f"DROP CONSTRAINT {quoted(constraint.name)}")
                for constraint in self.constraints
            ),
            *(
                Statement(text=f"DROP INDEX {index_name(self.place, index)}", lock=Lock.ACCESS_EXCLUSIVE)
                for index in self.indexes
            ),
        )

    def rebuilds(self) -> tuple[Statement, ...]:
        """Return what puts all of them back, with their comments."""
        names = {part.name for part in (*self.indexes, *self.constraints)}
        comments = self.place.dependents(self.field, kinds=("comment on index", "comment on constraint"))
        return (
            *(Statement(text=index.definition, lock=Lock.SHARE) for index in self.indexes),
            *(
                self.place.altered(f"ADD CONSTRAINT {quoted(constraint.name)} {constraint.definition}")
                for constraint in reversed(self.constraints)
            ),
            *(
                Statement(text=key.definition or "", lock=Lock.SHARE_ROW_EXCLUSIVE)
                for key in reversed(self.inbound)
            ),
            *(
                Statement(text=comment.definition or "", lock=Lock.SHARE_UPDATE_EXCLUSIVE)
                for comment in comments
                if comment.name in names
            ),
        )

    def hazards(self) -> tuple[Hazard, ...]:
        """Return what rebuilding does to others."""
        return (Hazard.SCANS, Hazard.BLOCKS_READS) if self.indexes or self.constraints or self.inbound else ()

    def probes(self, rows: str) -> Iterator[Probe]:
        """Ask for rows that would not let the parts come back.

        `rows` is a derived table, aliased t, that shows the rows under the names that the definitions use.
        """
        for index in self.indexes:
            if index.unique:
                yield duplicates(self.place, index, rows)
        for constraint in self.constraints:
            if (
                constraint.kind == "unique"
                and (backing := self.place.entity.index(constraint.name)) is not None
            ):
                yield duplicates(self.place, backing, rows)
            elif constraint.kind == "check" and constraint.validated:
                yield probe(
                    f"violations-of-{constraint.name}",
                    f"records of {self.place.entity.name} violate the check {constraint.name}",
                    "Correct these records.",
                    f"SELECT {self.place.key('t')} FROM {rows} "
                    f"WHERE ({definitions.check_expression(constraint.definition)}) IS FALSE",
                )
            elif constraint.kind == "foreign_key" and constraint.validated:
                key = definitions.foreign_key(constraint.definition)
                orphaned = key.orphaned("t", f"{key.referenced} AS r", "r")
                yield probe(
                    f"orphans-of-{constraint.name}",
                    f"records of {self.place.entity.name} point to a record that is gone",
                    "Correct or remove these records, or add what they point to.",
                    f"SELECT {self.place.key('t')} FROM {rows} WHERE {orphaned}",
                )
        for dependent in self.inbound:
            yield from self._inbound_orphans(dependent, rows)

    def _inbound_orphans(self, dependent: Dependent, rows: str) -> Iterator[Probe]:
        definition = dependent.definition or ""
        if definition.endswith("NOT VALID"):
            return
        key = definitions.foreign_key(definition)
        child = definition.removeprefix("ALTER TABLE ").partition(" ADD CONSTRAINT ")[0]
        columns = ", ".join(f"c.{column}::text" for column in key.columns)
        yield probe(
            f"orphans-of-{dependent.name}",
            f"records point by {dependent.name} to a record of {self.place.entity.name} that is gone",
            "Correct or remove these records, or add what they point to.",
            f"SELECT concat_ws(', ', {columns}) FROM {child} AS c WHERE {key.orphaned('c', rows, 't')}",
        )


def index_name(place: Scene, index: Index) -> str:
    """Return the quoted name of an index, which lies in the schema of its table."""
    schema, dot, _ = place.entity.native_name.partition(".")
    return quoted(schema, index.name) if dot else table(index.name)


def parts_of(place: Scene, field: str, doing: str) -> Parts:
    """Collect the parts that name a field.

    Raises:
        Refused: one of them cannot be rebuilt as it was (`field-is-key`, `field-has-dependents`).
    """
    if field in place.entity.key:
        raise Refused(
            "field-is-key",
            f"{doing} {place.entity.name}.{field} would take away the primary key",
            help="Keep the primary key, or build another one by hand first.",
        )
    refuse_dependents(
        place, field, doing, place.dependents(field, kinds=("replica identity or cluster mark",))
    )
    backed = {
        index.constraint for index in place.entity.indexes if index.constraint and field in index.fields
    }
    constraints = sorted(
        (item for item in place.entity.constraints if field in item.fields or item.name in backed),
        key=lambda item: _DROP_ORDER.index(item.kind),
    )
    own = {f"{place.entity.name}.{constraint.name}" for constraint in constraints}
    return Parts(
        place,
        field,
        indexes=tuple(
            item for item in place.entity.indexes if field in item.fields and item.constraint is None
        ),
        constraints=tuple(constraints),
        inbound=tuple(
            item for item in place.dependents(field, kinds=("foreign_key",)) if item.name not in own
        ),
    )


def duplicates(place: Scene, index: Index, rows: str) -> Probe:
    """Ask for rows that a unique index would refuse; `rows` is aliased t."""
    return duplicate_keys(place, index.name, definitions.index_parts(index.definition), rows)


def duplicate_keys(
    place: Scene, name: str, parts: definitions.IndexParts, rows: str, *, key: str | None = None
) -> Probe:
    """Ask for rows that share the keys of a unique index by that name; `rows` is aliased t.

    `key` names a row where the primary key in `rows` is not the one that people know.
    """
    conditions = [f"({parts.predicate})"] if parts.predicate else []
    if parts.nulls_distinct:
        conditions += [f"{key} IS NOT NULL" for key in parts.keys]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    counted = (
        f"SELECT {key or place.key('t')} AS key, count(*) OVER (PARTITION BY {', '.join(parts.keys)}) AS {_COPIES} "
        f"FROM {rows}{where}"
    )
    return probe(
        f"duplicates-of-{name}",
        f"records of {place.entity.name} share a value that {name} allows once",
        "Correct or merge these records.",
        f"SELECT d.key FROM ({counted}) AS d WHERE d.{_COPIES} > 1",
    )
