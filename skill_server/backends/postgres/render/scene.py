"""What every rendering starts from: the entity and field of an action as this database names them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skill_server.backends.postgres.identifiers import quoted, table
from skill_server.errors import Invalid, Refused
from skill_server.model.hazard import Lock
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Probe, Statement
from skill_server.model.snapshot import Dependent, Entity, Field, Snapshot

# What acts by itself when rows are written, with the lock that switching it off takes (manual, ALTER TABLE).
_LOCK_OF_ACTING = {"active trigger": Lock.SHARE_ROW_EXCLUSIVE, "active rule": Lock.ACCESS_EXCLUSIVE}


@dataclass(frozen=True)
class Scene:
    """One entity in a snapshot, with the names of the migration that changes it."""

    entity: Entity
    names: NameMap
    migration: str

    @property
    def table(self) -> str:
        """The quoted table."""
        return table(self.entity.native_name)

    def native(self, field: str) -> str:
        """Return the column of a logical field, whether it exists or is about to."""
        found = self.entity.field(field)
        # A field that only the plan foresees knows its logical name alone.
        if found is not None and found.native_name != found.name:
            return found.native_name
        return self.names.native_field(self.entity.name, field, BackendKind.POSTGRES)

    def column(self, field: str) -> str:
        """Return the quoted column of a logical field."""
        return quoted(self.native(field))

    def require(self, field: str) -> Field:
        """Return an existing field.

        Raises:
            Refused: the entity has no such field (`field-missing`).
        """
        if (found := self.entity.field(field)) is None:
            raise Refused(
                "field-missing",
                f"{self.entity.name} has no field {field!r} in PostgreSQL",
                help="Name a field that inspect_schema shows.",
                next_tool="inspect_schema",
            )
        return found

    def require_key(self) -> None:
        """Refuse a table whose rows cannot be found again (`key-missing`)."""
        if not self.entity.key:
            raise Refused(
                "key-missing",
                f"the rows of {self.entity.name} have no primary key, so old values could not be kept by it",
                help="Give the table a primary key first.",
            )

    def require_free(self, field: str) -> None:
        """Refuse a name that a column already has."""
        native = self.native(field)
        if any(native in {existing.native_name, existing.name} for existing in self.entity.fields):
            raise Refused(
                "field-exists",
                f"{self.entity.name} already has a column {native!r} in PostgreSQL",
                help="Choose another name.",
            )

    def dependents(self, field: str, *, kinds: Iterable[str] = ()) -> tuple[Dependent, ...]:
        """Return what leans on a field, of these kinds or of any."""
        wanted = frozenset(kinds)
        return tuple(
            dependent
            for dependent in self.entity.dependents
            if field in dependent.fields and (not wanted or dependent.kind in wanted)
        )

    def key(self, alias: str) -> str:
        """Return the expression that names a row: its primary key as text, else where it lies now."""
        columns = [f"{alias}.{self.column(field)}::text" for field in self.entity.key]
        if not columns:
            return f"{alias}.ctid::text"
        return columns[0] if len(columns) == 1 else f"concat_ws(', ', {', '.join(columns)})"

    def key_array(self, alias: str) -> str:
        """Return the primary key as one JSON value that finds the row again."""
        return f"jsonb_build_array({', '.join(f'{alias}.{self.column(field)}' for field in self.entity.key)})"

    def altered(self, what: str) -> Statement:
        """Return an ALTER TABLE of this table."""
        return Statement(text=f"ALTER TABLE {self.table} {what}", lock=Lock.ACCESS_EXCLUSIVE)

    def locked(self) -> Statement:
        """Return the statement that keeps everybody else out until the transaction ends."""
        return Statement(text=f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE", lock=Lock.ACCESS_EXCLUSIVE)

    def silenced(self, *statements: Statement) -> tuple[Statement, ...]:
        """Return statements that change rows, run without the table's own triggers and rules.

        A trigger that keeps a time of change would alter rows that the migration only carries over, and a rule could
        do something else instead.
        """
        acting = [item for item in self.entity.dependents if item.kind in _LOCK_OF_ACTING]
        off = [Statement(text=item.removal or "", lock=_LOCK_OF_ACTING[item.kind]) for item in acting]
        on = [Statement(text=item.definition or "", lock=_LOCK_OF_ACTING[item.kind]) for item in acting]
        return (*off, *statements, *on)


def scene(entity: str, snapshot: Snapshot, names: NameMap, migration: str) -> Scene:
    """Find the entity of an action.

    Raises:
        Refused: there is no such table (`entity-missing`), or it is one of several that share rows (`table-inherits`).
    """
    if (found := snapshot.entity(entity)) is None:
        raise Refused(
            "entity-missing",
            f"PostgreSQL has no table for {entity!r}",
            help="Name an entity that inspect_schema shows.",
            next_tool="inspect_schema",
        )
    if found.options.get("partitioned") or found.options.get("inherits"):
        why = (
            "is partitioned: its rows lie in other tables, which keep columns, indexes and values of their own to undo"
            if found.options.get("partitioned")
            else "inherits or is inherited from: a change of its columns is one of the other tables' columns too"
        )
        raise Refused(
            "table-inherits",
            f"the table of {entity!r} {why}",
            help="Change this table by hand, with all that share its columns.",
        )
    if snapshot.fingerprint.startswith("foreseen:") and found.native_name == found.name:
        # An entity that only the plan foresees knows its logical name alone.
        native = names.native_entity(found.name, BackendKind.POSTGRES)
        found = found.model_copy(update={"native_name": native})
    return Scene(found, names, migration)


def refuse_dependents(scene: Scene, field: str, doing: str, dependents: Sequence[Dependent]) -> None:
    """Refuse where something leans on a field in a way that cannot be carried over."""
    if dependents:
        listed = ", ".join(sorted({f"{dependent.kind} {dependent.name}" for dependent in dependents}))
        raise Refused(
            "field-has-dependents",
            f"{doing} {scene.entity.name}.{field} would break what leans on it: {listed}",
            help="Change or drop what the message names first.",
            detail={"dependents": [dependent.name for dependent in dependents]},
        )


def probe(name: str, message: str, help: str, query: str) -> Probe:
    """Return a question whose rows are the keys of offenders."""
    return Probe(id=name, message=message, help=help, statement=Statement(text=query))


def undone_by_plan(kind: str) -> Refused:
    """Say that only the plan that hid something knows how to bring it back."""
    return Refused(
        "restored-by-downgrade",
        f"{kind} needs the definitions that the plan of the hiding migration holds",
        help="Run the downgrade of the migration that hid it.",
        next_tool="run_downgrade",
    )


def unusable(message: str, help: str) -> Invalid:
    """Say that an action makes no sense here."""
    return Invalid("action-not-understood", message, help=help)
