"""Reading the schema: the neutral snapshot and, from `fingerprint`, its digest."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import asyncpg

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.render import rebuilding
from skill_server.backends.postgres.schema import catalog, fingerprint, types
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.backends.postgres.schema.spelling import spellings
from skill_server.model.base import Json
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.snapshot import Constraint, Dependent, Entity, Field, Index, IndexKey, Snapshot

_KINDS = {"p": "primary_key", "u": "unique", "c": "check", "f": "foreign_key", "x": "exclusion"}
_ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_DESCENDING = 1  # bit of pg_index.indoption (pg_index.h, INDOPTION_DESC)
_ENABLE = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


async def inspect(connections: Connections, names: NameMap) -> Snapshot:
    """Read the schema in one transaction of its own."""
    async with (
        connections.session(purpose="reading the schema") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await read(connection, names)


async def read(connection: Connection, names: NameMap) -> Snapshot:
    """Read the schema in the transaction that the session is in, so that a dump can share its moment."""
    tables = await connection.fetch(catalog.TABLES)
    # One query each: the catalog does not change inside the snapshot of this transaction.
    columns = _by_table(await connection.fetch(catalog.COLUMNS))
    indexes = _by_table(await connection.fetch(catalog.INDEXES))
    constraints = await connection.fetch(catalog.CONSTRAINTS)
    dependents = _by_table(await connection.fetch(catalog.DEPENDENTS))
    generated = _by_table(await connection.fetch(catalog.GENERATED))
    triggers = _by_table(await connection.fetch(catalog.TRIGGERS))
    owned = _by_table(constraints)
    inbound = _by_table(constraints, "references")
    publications = _by_table(await connection.fetch(catalog.PUBLICATIONS))
    functions = await connection.fetch(catalog.FUNCTIONS)
    namespaces = await connection.fetch(catalog.NAMESPACES)
    event_triggers = await connection.fetch(catalog.EVENT_TRIGGERS)
    rebuilds = await rebuilding.read(connection)
    logical = logical_names([(row["schema"], row["name"]) for row in tables], names)
    described = {
        row["oid"]: _Table(row, logical[row["schema"], row["name"]], columns.get(row["oid"], ()), names)
        for row in tables
    }
    entities = tuple(
        Entity(
            name=table.name,
            native_name=table.native,
            fields=tuple(table.field(column) for column in table.columns),
            indexes=tuple(table.index(row) for row in indexes.get(oid, ())),
            constraints=tuple(table.constraint(row, described) for row in owned.get(oid, ())),
            dependents=rebuilds.completed(
                oid,
                (
                    *table.inbound(inbound.get(oid, ()), described),
                    *(table.dependent(row) for row in dependents.get(oid, ())),
                    *(table.dependent(row, "generated column") for row in generated.get(oid, ())),
                    *table.firing(triggers.get(oid, ())),
                    *table.comments(indexes.get(oid, ()), owned.get(oid, ())),
                    *table.pinned(indexes.get(oid, ())),
                    *table.published(publications.get(oid, ())),
                    *table.mentioned(functions),
                ),
            ),
            options={
                "partitioned": table.partitioned,
                "inherits": table.inherits,
                "sequences": table.sequences,
                "columns": rebuilds.options(oid, table.fields),
            },
            key=next((table.named(row["numbers"]) for row in owned.get(oid, ()) if row["type"] == "p"), ()),
            records=table.records,
            size_bytes=table.size_bytes,
        )
        for oid, table in described.items()
    )
    return Snapshot(
        backend=BackendKind.POSTGRES,
        entities=entities,
        fingerprint=await fingerprint.read(connection),
        namespaces=tuple(row["name"] for row in namespaces),
        schema_triggers=tuple(row["name"] for row in event_triggers),
        spellings=spellings(entities),
    )


class _Table:
    """One table under its logical name, turning rows of the catalog into parts of the snapshot."""

    def __init__(
        self, row: asyncpg.Record, logical: str, columns: Sequence[asyncpg.Record], names: NameMap
    ) -> None:
        schema, table = row["schema"], row["name"]
        self.native: str = table if schema == SCHEMA else f"{schema}.{table}"
        self.name = logical
        self.table: str = table
        self.sequences: list[Json] = list(row["sequences"])
        self.quoted = quoted(schema, table)
        self.schema: str = schema
        self.columns = columns
        self.partitioned: bool = row["partitioned"]
        self.inherits: bool = row["inherits"]
        self.records: int = row["records"]
        self.size_bytes: int = row["size_bytes"]
        self._fields: dict[int, str] = {
            column["number"]: names.logical_field(self.name, column["name"], BackendKind.POSTGRES)
            for column in columns
        }

    @property
    def fields(self) -> dict[str, str]:
        """The logical name of each column."""
        return {column["name"]: self._fields[column["number"]] for column in self.columns}

    def named(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the logical names of columns; 0 stands for an expression and has none."""
        return tuple(self._fields[number] for number in numbers if number in self._fields)

    def field(self, column: asyncpg.Record) -> Field:
        """Return one field."""
        return Field(
            name=self._fields[column["number"]],
            native_name=column["name"],
            type=types.logical(column["type"]),
            native_type=column["type"],
            nullable=column["nullable"],
            default=column["default"],
            generated=column["generated"],
            identity=column["identity"],
        )

    def index(self, row: asyncpg.Record) -> Index:
        """Return one index; its fields are those of keys, INCLUDE, expressions and predicate."""
        keys = list(zip(row["numbers"], row["options"], strict=False))[: row["keys"]]
        numbers = dict.fromkeys([*row["numbers"], *row["used"]])
        return Index(
            name=row["name"],
            keys=tuple(
                IndexKey(field=self._fields.get(number), descending=bool(option & _DESCENDING))
                for number, option in keys
            ),
            unique=row["unique"],
            definition=row["definition"],
            constraint=row["constraint"],
            valid=row["valid"],
            fields=self.named(list(numbers)),
        )

    def constraint(self, row: asyncpg.Record, tables: Mapping[int, "_Table"]) -> Constraint:
        """Return one constraint."""
        referenced = tables.get(row["references"])
        return Constraint.model_validate(
            {
                "name": row["name"],
                "kind": _KINDS[row["type"]],
                "fields": self.named(row["numbers"]),
                "definition": row["definition"],
                "references": referenced.name if referenced else None,
                "references_fields": referenced.named(row["references_numbers"]) if referenced else (),
                "on_delete": _ON_DELETE.get(row["on_delete"]),
                "validated": row["validated"],
            }
        )

    def inbound(
        self, rows: Sequence[asyncpg.Record], tables: Mapping[int, "_Table"]
    ) -> tuple[Dependent, ...]:
        """Return the foreign keys that point here, as seen from here."""
        return tuple(
            Dependent(
                kind="foreign_key",
                name=f"{tables[row['table']].name}.{row['name']}",
                fields=self.named(row["references_numbers"]),
                definition=f"ALTER TABLE {tables[row['table']].quoted} ADD CONSTRAINT {quoted(row['name'])} "
                + row["definition"],
                removal=f"ALTER TABLE {tables[row['table']].quoted} DROP CONSTRAINT {quoted(row['name'])}",
                follows_rename=True,
            )
            for row in rows
            if row["type"] == "f" and row["table"] in tables
        )

    def dependent(self, row: asyncpg.Record, kind: str | None = None) -> Dependent:
        """Return what leans on columns by number, and so follows a rename."""
        return Dependent(
            kind=kind or row["kind"], name=row["name"], fields=self.named(row["numbers"]), follows_rename=True
        )

    def firing(self, rows: Sequence[asyncpg.Record]) -> tuple[Dependent, ...]:
        """Return the active triggers with the way to silence them, and the fields that their sources name."""
        found: list[Dependent] = []
        for row in rows:
            if row["enabled"] in _ENABLE:
                statement = f"ALTER TABLE {self.quoted} {{}} {quoted(row['name'])}"
                found.append(
                    Dependent(
                        kind="active trigger",
                        name=row["name"],
                        fields=(),
                        definition=statement.format(_ENABLE[row["enabled"]]),
                        removal=statement.format("DISABLE TRIGGER"),
                        follows_rename=True,
                    )
                )
            # The body of a function is text to PostgreSQL, so NEW.field in it does not follow a rename.
            if mentioned := self._named_in(row["source"]):
                found.append(Dependent(kind="trigger function", name=row["function"], fields=mentioned))
        return tuple(found)

    def published(self, rows: Sequence[asyncpg.Record]) -> tuple[Dependent, ...]:
        """Return the publications that name the table, whose subscribers look it up by that name."""
        return tuple(Dependent(kind="publication", name=row["name"], fields=()) for row in rows)

    def mentioned(self, rows: Sequence[asyncpg.Record]) -> tuple[Dependent, ...]:
        """Return the functions whose text names the table, with the fields that it names too."""
        return tuple(
            Dependent(kind="function", name=row["name"], fields=self._named_in(row["source"]))
            for row in rows
            if _is_word_in(self.table, row["whole"])
        )

    def _named_in(self, source: str) -> tuple[str, ...]:
        return tuple(
            self._fields[column["number"]] for column in self.columns if _is_word_in(column["name"], source)
        )

    def comments(
        self, indexes: Sequence[asyncpg.Record], constraints: Sequence[asyncpg.Record]
    ) -> tuple[Dependent, ...]:
        """Return the comments that go when what they describe is dropped."""
        described = [
            *((row, f"COLUMN {self.quoted}.{quoted(row['name'])}", (row["number"],)) for row in self.columns),
            *((row, f"INDEX {quoted(self.schema, row['name'])}", row["used"]) for row in indexes),
            *(
                (row, f"CONSTRAINT {quoted(row['name'])} ON {self.quoted}", row["numbers"])
                for row in constraints
            ),
        ]
        return tuple(
            Dependent(
                kind=f"comment on {target.partition(' ')[0].lower()}",
                name=row["name"],
                fields=self.named(numbers),
                definition=f"COMMENT ON {target} IS {text_literal(row['comment'])}",
                follows_rename=True,
            )
            for row, target, numbers in described
            if row["comment"] is not None
        )

    def pinned(self, indexes: Sequence[asyncpg.Record]) -> tuple[Dependent, ...]:
        """Return marks that a rebuilt index or column would not carry."""
        granted = tuple(
            Dependent(
                kind="column privileges",
                name=column["name"],
                fields=(self._fields[column["number"]],),
                follows_rename=True,
            )
            for column in self.columns
            if column["granted"]
        )
        marked = tuple(
            Dependent(
                kind="replica identity or cluster mark",
                name=row["name"],
                fields=self.named(row["numbers"]),
                follows_rename=True,
            )
            for row in indexes
            if row["marked"]
        )
        return granted + marked


def _is_word_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _by_table(rows: Sequence[asyncpg.Record], column: str = "table") -> dict[int, list[asyncpg.Record]]:
    found: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
