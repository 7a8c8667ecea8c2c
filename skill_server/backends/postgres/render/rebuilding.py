"""Reading how each thing that leans on columns is taken off and put back, where that can be done without loss."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import asyncpg

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.render import catalog_rebuild as catalog
from skill_server.model.base import Json, JsonObject
from skill_server.model.snapshot import Dependent

# A disabled rule stays so, and one for replicas does not act on what we write.
_ENABLE = {"O": "ENABLE RULE", "A": "ENABLE ALWAYS RULE"}
_PUBLISHES_COLUMNS_SINCE = 15
_Name = tuple[str, str]


class Rebuild(NamedTuple):
    """The statements of one object; `readers` are the views that read it, `hindrances` what would be lost with it."""

    definition: str
    removal: str
    afterwards: tuple[str, ...]
    readers: tuple[_Name, ...] = ()
    hindrances: tuple[str, ...] = ()


class ColumnFacts(NamedTuple):
    """What else a column carries: its collation where it is not the type's, its sequence, privileges, generation."""

    collation: str | None
    sequence: str | None
    sequence_type: str | None
    generated: str | None
    grants: tuple[str, ...]

    def options(self) -> JsonObject:
        """Return the facts that a rendering needs besides the dependents."""
        said: dict[str, str | None] = {
            "collation": self.collation,
            "sequence": self.sequence,
            "sequence_type": self.sequence_type,
        }
        return {name: value for name, value in said.items() if value is not None}


class Rebuilds(NamedTuple):
    """All of them, by what `pg_identify_object` calls them, and the facts of columns by table and name.

    The objects stand in one order for all tables: each view before the views that read it.
    """

    objects: Mapping[_Name, Rebuild]
    columns: Mapping[tuple[int, str], ColumnFacts]
    rules: Mapping[int, tuple[Dependent, ...]]

    def completed(self, table: int, dependents: Iterable[Dependent]) -> tuple[Dependent, ...]:
        """Return the dependents of a table with their statements, each view before the views that read it.

        What cannot be put back whole stays without statements, followed by what hinders it.
        """
        plain: list[Dependent] = []
        fields: dict[_Name, tuple[str, ...]] = {}
        for item in dependents:
            name = (item.kind, item.name)
            if name in self.objects and item.definition is None:
                fields[name] = _merged(fields.get(name, ()), item.fields)
            else:
                plain.append(self._column(table, item))
        for name, rebuild in self.objects.items():
            if name in fields:
                for reader in rebuild.readers:
                    fields[reader] = _merged(fields.get(reader, ()), fields[name])
                plain += self._whole(name, fields[name])
        return (*plain, *self.rules.get(table, ()))

    def options(self, table: int, fields: Mapping[str, str]) -> Json:
        """Return the facts of a table's columns, which are given with their logical names."""
        found = {field: self.columns[table, column].options() for column, field in fields.items()}
        return {field: facts for field, facts in found.items() if facts}

    def _column(self, table: int, item: Dependent) -> Dependent:
        facts = self.columns.get((table, item.name))
        if facts is None:
            return item
        if item.kind == "generated column" and facts.generated is not None:
            return item.model_copy(update={"definition": facts.generated})
        if item.kind == "column privileges" and facts.grants:
            return item.model_copy(update={"definition": facts.grants[0], "afterwards": facts.grants[1:]})
        return item

    def _whole(self, name: _Name, fields: tuple[str, ...]) -> Iterator[Dependent]:
        rebuild = self.objects[name]
        if not rebuild.hindrances:
            yield Dependent(
                kind=name[0],
                name=name[1],
                fields=fields,
                definition=rebuild.definition,
                removal=rebuild.removal,
                afterwards=rebuild.afterwards,
                follows_rename=True,
            )
            return
        yield Dependent(kind=name[0], name=name[1], fields=fields, follows_rename=True)
        for hindrance in rebuild.hindrances:
            yield Dependent(kind="dependent of a view", name=hindrance, fields=fields, follows_rename=True)


async def read(connection: Connection) -> Rebuilds:
    """Read them in the transaction that the session is in."""
    objects: dict[_Name, Rebuild] = {}
    rules: dict[int, tuple[Dependent, ...]] = {}
    for row in await connection.fetch(catalog.RULES):
        objects[row["type"], row["identity"]] = _rebuild(row)
        if row["enabled"] in _ENABLE:
            rules[row["table"]] = (*rules.get(row["table"], ()), _active(row))
    queries = [catalog.POLICIES, catalog.TRIGGERS, catalog.STATISTICS]
    if connection.get_server_version().major >= _PUBLISHES_COLUMNS_SINCE:
        queries.append(catalog.PUBLICATIONS)
    for query in queries:
        for row in await connection.fetch(query):
            objects[row["type"], row["identity"]] = _rebuild(row)
    views = {row["oid"]: row for row in await connection.fetch(catalog.VIEWS)}
    for row in views.values():
        objects[row["type"], row["identity"]] = Rebuild(
            row["definition"],
            row["removal"],
            _present(row["afterwards"]),
            readers=tuple(_name(views[oid]) for oid in row["readers"] if oid in views),
            hindrances=tuple(row["hindrances"]),
        )
    columns = {(row["table"], row["name"]): _facts(row) for row in await connection.fetch(catalog.COLUMNS)}
    return Rebuilds(_ordered(objects), columns, rules)


def _rebuild(row: asyncpg.Record) -> Rebuild:
    return Rebuild(row["definition"], row["removal"], _present(row["afterwards"]))


def _active(row: asyncpg.Record) -> Dependent:
    statement = f"ALTER TABLE {row['quoted']} {{}} {row['name']}"
    return Dependent(
        kind="active rule",
        name=row["name"],
        fields=(),
        definition=statement.format(_ENABLE[row["enabled"]]),
        removal=statement.format("DISABLE RULE"),
        follows_rename=True,
    )


def _ordered(objects: Mapping[_Name, Rebuild]) -> dict[_Name, Rebuild]:
    finished: dict[_Name, None] = {}

    def visit(name: _Name) -> None:
        if name in finished:
            return
        for reader in objects[name].readers:
            visit(reader)
        finished[name] = None

    for name in objects:
        visit(name)
    return {name: objects[name] for name in reversed(finished)}


def _facts(row: asyncpg.Record) -> ColumnFacts:
    sequence, _, sequence_type = (row["sequence"] or "").rpartition("|")
    return ColumnFacts(
        collation=row["collation"],
        sequence=sequence or None,
        sequence_type=sequence_type or None,
        generated=row["generated"],
        grants=tuple(row["grants"]),
    )


def _name(row: asyncpg.Record) -> _Name:
    return row["type"], row["identity"]


def _present(statements: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(statement for statement in statements if statement is not None)


def _merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
