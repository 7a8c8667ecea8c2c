"""Which logical entity a table is, wherever it lies."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.model.names import EntityNames, NameMap

MAP = NameMap(
    entities={
        "items": EntityNames(postgres="item", mongodb="items"),
        "old": EntityNames(postgres="archive.item", mongodb="old"),
    }
)
CASES = {
    "public": ([("public", "a")], NameMap(), ["a"]),
    "elsewhere": ([("archive", "a")], NameMap(), ["a"]),
    "public wins": ([("archive", "a"), ("public", "a")], NameMap(), ["archive.a", "a"]),
    "two elsewhere": ([("archive", "a"), ("old", "a")], NameMap(), ["archive.a", "old.a"]),
    "kept": ([("database_migration_kept", "a")], NameMap(), ["database_migration_kept.a"]),
    "mapped bare name": ([("side", "item")], MAP, ["items"]),
    "mapped with its schema": ([("archive", "item"), ("public", "item")], MAP, ["old", "items"]),
    "a name that the map gives to another table": ([("side", "items")], MAP, ["side.items"]),
    "a name that the map gives to a table with its schema": ([("side", "old")], MAP, ["side.old"]),
}


@pytest.mark.parametrize(("tables", "names", "logical"), CASES.values(), ids=CASES.keys())
def test_a_table_goes_by_its_bare_name_unless_another_has_a_claim(
    tables: list[tuple[str, str]], names: NameMap, logical: list[str]
) -> None:
    """A move keeps the name of the entity, and two tables never share one."""
    assert list(logical_names(tables, names).values()) == logical
