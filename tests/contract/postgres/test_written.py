"""What was written since a dump of PostgreSQL, counted by row versions: what a restore would put out of sight."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.restore import written
from skill_server.backends.postgres.verify import checksum
from skill_server.backends.replacing import Written
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult
from tests.contract.postgres.sample import execute, filled, sums, value

LONGEST_WAIT_S = 30


@pytest_asyncio.fixture(loop_scope="session")
async def live(postgres_database: str) -> AsyncIterator[Connections]:
    """The way to a filled database."""
    yield await filled(postgres_database)


async def moment(url: str) -> dict[str, str]:
    """Return the first transaction that may run now, and the first that has not begun."""
    xmin, xmax = (await value(url, "SELECT pg_current_snapshot()::text")).split(":")[:2]
    return {"xmin": xmin, "xmax": xmax}


async def quiet_moment(url: str) -> dict[str, str]:
    """Wait for a moment in which no transaction runs on this server, which other tests use as well."""
    async with asyncio.timeout(LONGEST_WAIT_S):
        while (found := await moment(url))["xmin"] != found["xmax"]:
            await value(url, "SELECT pg_sleep(0.01)")
    return found


async def dumped(live: Connections, url: str, **since: Any) -> DumpResult:
    """Return what a dump of this moment says, without its files."""
    if "xmin" not in since:
        since = {**await quiet_moment(url), **since}
    database = {
        "system": await value(url, "SELECT system_identifier::text FROM pg_control_system()"),
        "database_oid": await value(
            url, "SELECT oid::text FROM pg_database WHERE datname = current_database()"
        ),
    }
    return DumpResult(
        parts=(),
        fingerprint="f",
        checksums=await sums(live),
        point_in_time=True,
        tool="none",
        since={**database, **since},
    )


async def since(live: Connections, dump: DumpResult) -> dict[str, Written]:
    """Return what was written since a dump, by entity."""
    return {item.entity: item for item in await written.written_since(live, NameMap(), dump)}


async def test_nothing_is_said_to_be_written_where_nothing_was(
    postgres_database: str, live: Connections
) -> None:
    """Vacuum, freezing and reading touch rows without writing one."""
    dump = await dumped(live, postgres_database)
    await execute(postgres_database, "VACUUM FREEZE items")

    found = await since(live, dump)

    large = found.pop(checksum.LARGE_OBJECTS)
    assert (large.records_then, large.records_now, large.changed) == (1, 1, None)
    assert found.keys() == {"items", "log", "pairs", "parts", "parent", "child", "notes"}
    assert all(item.is_nothing for item in found.values()), found


async def test_every_row_that_was_added_changed_or_deleted_is_counted(
    postgres_database: str, live: Connections
) -> None:
    """F34: a person who approves a restore is told what it costs."""
    dump = await dumped(live, postgres_database)
    await execute(
        postgres_database,
        """INSERT INTO items (id) SELECT i FROM generate_series(5001, 5003) AS i;
        UPDATE items SET amount = 0 WHERE id <= 10;
        DELETE FROM items WHERE id BETWEEN 101 AND 120;
        INSERT INTO parts VALUES (9, 'a'), (10, 'b');
        UPDATE parent SET id = 7 WHERE id = 2;
        DROP TABLE pairs;
        CREATE TABLE later AS SELECT 1 AS one;""",
    )

    found = await since(live, dump)

    counted = {
        name: (item.records_then, item.records_now, item.changed)
        for name, item in found.items()
        if not item.is_nothing and name != checksum.LARGE_OBJECTS
    }
    assert counted == {
        "items": (2000, 1983, 13),
        "parts": (3, 5, 2),
        "child": (2, 2, 1),
        "pairs": (50, 0, 0),
        "later": (0, 1, 1),
    }
    assert found["items"].how == "by row version (xmin)"


async def test_a_transaction_that_was_open_during_the_dump_counts_as_written_since(
    postgres_database: str, live: Connections
) -> None:
    """Its number is older than the end of the snapshot, and what it wrote is not in the backup."""
    open_one = await asyncpg.connect(postgres_database)
    transaction = open_one.transaction()
    await transaction.start()
    await open_one.execute("UPDATE items SET amount = 1 WHERE id <= 3")
    await execute(postgres_database, "UPDATE log SET level = 4 WHERE level = 2")
    dump = await dumped(live, postgres_database, **await moment(postgres_database))
    await transaction.commit()
    await open_one.close()

    items = (await since(live, dump))["items"]

    assert items.changed == 3
    assert items.how == "at most, by row version (xmin)"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"database_oid": "1"}, "another one"),
        ({"system": "1"}, "another one"),
        ({"xmax": "0", "xmin": "0"}, None),
        ({"xmax": str(2**40), "xmin": str(2**40)}, "too many transactions"),
    ],
)
async def test_what_does_not_compare_is_not_counted(
    postgres_database: str, live: Connections, change: dict[str, str], reason: str | None
) -> None:
    """A number from another server, or from the other half of the circle, would claim too little."""
    dump = await dumped(live, postgres_database, **change)

    items = (await since(live, dump))["items"]

    assert items.records_now == 2000
    if reason is None:
        assert items.changed == 2000
    else:
        assert items.changed is None
        assert reason in items.how


async def test_a_backup_without_its_moment_says_so(postgres_database: str, live: Connections) -> None:
    """Backups that were taken by an older version of the product have none."""
    dump = (await dumped(live, postgres_database)).model_copy(update={"since": {}})

    items = (await since(live, dump))["items"]

    assert (items.records_now, items.changed) == (2000, None)


async def test_a_table_that_takes_too_long_counts_as_unknown(
    postgres_database: str, live: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run of the emergency path must end, also where a lock or a large table is in its way."""
    dump = await dumped(live, postgres_database)
    monkeypatch.setattr(written, "LONGEST_SCAN_S", 0.2)
    holder = await asyncpg.connect(postgres_database)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
    try:
        found = await since(live, dump)
    finally:
        await transaction.rollback()
        await holder.close()

    assert (found["items"].records_now, found["items"].changed) == (None, None)
    assert found["log"].is_nothing
