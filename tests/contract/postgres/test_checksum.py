"""What the content checksums of PostgreSQL see, and what must not disturb them."""

import pytest

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.verify import checksum
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from tests.contract.postgres.sample import execute, filled, sums


async def test_every_record_is_counted_once_under_its_entity(postgres_database: str) -> None:
    """Partitions and inheritance would count twice, and the ledger is not the user's."""
    found = (await sums(await filled(postgres_database))).entities

    assert {name: entity.records for name, entity in found.items()} == {
        "items": 2000,
        "log": 6,
        "pairs": 50,
        "parts": 3,
        "parent": 1,
        "child": 2,
        "notes": 2,
        "pg_largeobject": 1,
    }


@pytest.mark.parametrize(
    ("entity", "changed", "statement"),
    [
        (
            "items",
            {"amount"},
            "UPDATE items SET amount = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2)",
        ),
        ("items", {"ItemName"}, """UPDATE items SET "ItemName" = upper("ItemName") WHERE id = 5"""),
        ("items", {"weight"}, "UPDATE items SET weight = weight + 2e-16 * weight WHERE id = 1999"),
        ("items", {"raw"}, "UPDATE items SET raw = set_bit(raw, 3, 1 - get_bit(raw, 3)) WHERE id = 7"),
        (
            "log",
            {"line", "level", "*"},
            "DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE level = 1 LIMIT 2)",
        ),
        ("log", {"line", "*"}, "UPDATE log SET line = '' WHERE line IS NULL"),
        (
            "log",
            {"*"},
            "UPDATE log SET level = 3 - level WHERE ctid IN (SELECT min(ctid) FROM log WHERE level < 3 GROUP BY level)",
        ),
        (
            "pairs",
            {"note"},
            "UPDATE pairs SET note = CASE b WHEN 'b1' THEN 'n2' ELSE 'n1' END WHERE b IN ('b1', 'b2')",
        ),
        ("pg_largeobject", {"content"}, "SELECT lo_put(oid, 0, 'A') FROM pg_largeobject_metadata"),
    ],
)
async def test_a_change_shows_in_the_fields_that_it_touched(
    postgres_database: str, entity: str, changed: set[str], statement: str
) -> None:
    """Swapped values, equal records lost in pairs, NULL against empty text and single bits all count."""
    connections = await filled(postgres_database)
    before = await sums(connections, entity)
    await execute(postgres_database, statement)
    after = await sums(connections, entity)

    old, new = before.entities[entity].fields, after.entities[entity].fields
    assert {name for name in old if old[name] != new[name]} == changed


async def test_settings_of_role_and_database_change_nothing(postgres_database: str) -> None:
    """The same rows must give the same sums on another server with another time zone."""
    connections = await filled(postgres_database)
    before = await sums(connections)
    name = connections.database
    for setting in (
        "timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'",
        "extra_float_digits = -5", "bytea_output = 'escape'", "search_path = side",
    ):  # fmt: skip
        await execute(postgres_database, f'ALTER DATABASE "{name}" SET {setting}')

    assert await sums(connections) == before


async def test_the_order_of_records_and_their_place_on_disk_do_not_matter(postgres_database: str) -> None:
    """A restored copy holds the same records elsewhere."""
    connections = await filled(postgres_database)
    before = await sums(connections)
    await execute(
        postgres_database, "UPDATE items SET amount = amount WHERE id % 3 = 0; CLUSTER items USING items_pkey"
    )
    await execute(postgres_database, "VACUUM FULL")

    assert await sums(connections) == before


async def test_fields_are_named_by_the_name_map(postgres_database: str) -> None:
    """Both databases of a pair are compared under the same words."""
    connections = await filled(postgres_database)
    names = NameMap(
        entities={
            "item": EntityNames(
                postgres="items", mongodb="item", fields={"name": {BackendKind.POSTGRES: "ItemName"}}
            )
        }
    )

    found = await checksum.checksums(connections, names, ["item"])

    assert list(found.entities) == ["item"]
    assert {"id", "name"} <= found.entities["item"].fields.keys()
    assert (
        found.entities["item"].fields["name"]
        == (await sums(connections)).entities["items"].fields["ItemName"]
    )


async def test_an_entity_that_is_not_there_is_refused(postgres_database: str) -> None:
    """Silence about a missing table would read as proof."""
    with pytest.raises(Refused) as refusal:
        await sums(Connections(postgres_database), "items")

    assert refusal.value.code == "entity-missing"


async def test_rows_hidden_by_a_policy_are_an_error_and_not_a_smaller_sum(postgres_database: str) -> None:
    """A checksum of the visible rows alone would call a backup complete that is not."""
    await filled(postgres_database)
    owner = f"reader_{Connections(postgres_database).database[-12:]}"
    await execute(
        postgres_database,
        f"CREATE ROLE {owner} LOGIN PASSWORD 'reader'; GRANT SELECT ON log TO {owner};"
        "ALTER TABLE log ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON log USING (level = 1);"
        "DELETE FROM pg_largeobject_metadata",
    )
    host = postgres_database.rpartition("@")[2]
    try:
        with pytest.raises(Refused) as refusal:
            await sums(Connections(f"postgresql://{owner}:reader@{host}"), "log")
    finally:
        await execute(postgres_database, f"DROP OWNED BY {owner}; DROP ROLE {owner}")

    assert refusal.value.code == "permission-denied"


async def test_a_table_of_a_thousand_columns_is_read_whole(postgres_database: str) -> None:
    """A query holds fewer expressions than two for each column of the widest table."""
    columns = ", ".join(f"c{number} smallint" for number in range(1000))
    await execute(
        postgres_database,
        f"CREATE TABLE wide (id int PRIMARY KEY, {columns}); INSERT INTO wide VALUES (1, 5)",
    )

    found = (await sums(Connections(postgres_database))).entities["wide"]

    assert len(found.fields) == 1001
    assert found.fields["c999"] == "0/1"
