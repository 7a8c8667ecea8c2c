"""Putting a restored copy in the place of the live PostgreSQL database: all of it, or nothing."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import surroundings
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.backup.scratch import scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.restore import aside
from skill_server.backends.postgres.restore.replace import replace_with
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute, private, scratch_copy, sums, value


async def test_the_copy_takes_the_name_and_the_ledger_and_the_old_content_stays(
    postgres_database: str, live: Connections, copy: Connections
) -> None:
    """A restore goes back in time with everything but the history of it."""
    before = await sums(live)
    await execute(
        postgres_database, "TRUNCATE items; INSERT INTO database_migration.event VALUES (2, 'later')"
    )
    after = await sums(live)

    old = await replace_with(live, copy.database)

    assert await sums(live) == before
    assert await sums(live.at(old)) == after
    assert await value(
        postgres_database, "SELECT array_agg(mac ORDER BY seq) FROM database_migration.event"
    ) == [
        "live",
        "later",
    ]
    assert copy.database not in await scratch(live)
    assert old.startswith(f"{live.database}_replaced_")


async def test_what_is_kept_about_a_database_goes_over(
    postgres_database: str, live: Connections, copy: Connections
) -> None:
    """Owner, privileges, settings, comment and limit are not in any dump of the content."""
    name = live.database
    role = f"owner_{name[-12:]}"
    await execute(postgres_database, f"CREATE ROLE {role}; GRANT {role} TO CURRENT_USER")
    try:
        await execute(
            postgres_database,
            f"""ALTER DATABASE "{name}" OWNER TO {role};
            REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC;
            GRANT CREATE ON DATABASE "{name}" TO CURRENT_USER WITH GRANT OPTION;
            ALTER DATABASE "{name}" SET search_path TO "$user", "odd, name", public;
            ALTER DATABASE "{name}" SET work_mem TO '7MB';
            ALTER ROLE {role} IN DATABASE "{name}" SET my.setting TO 'it''s';
            ALTER DATABASE "{name}" CONNECTION LIMIT 77;
            COMMENT ON DATABASE "{name}" IS 'the shop''s';""",
        )
        async with live.maintenance(purpose="test") as connection:
            before = await surroundings.Surroundings.read(connection, name)
        await replace_with(live, copy.database)
        async with live.maintenance(purpose="test") as connection:
            after = await surroundings.Surroundings.read(connection, name)

        assert sorted(after.settings, key=str) == sorted(before.settings, key=str)
        assert sorted(after.grants, key=str) == sorted(before.grants, key=str)
        assert after._replace(settings=(), grants=()) == before._replace(settings=(), grants=())
        assert len(before.settings) == 3
    finally:
        async with live.maintenance(purpose="test") as connection:
            for row in await connection.fetch(
                "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", name
            ):
                database = row["datname"]
                await connection.execute(f'ALTER DATABASE "{database}" OWNER TO CURRENT_USER')
                await connection.execute(f'ALTER ROLE {role} IN DATABASE "{database}" RESET ALL')
                await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM {role}')
            await connection.execute(f"DROP ROLE {role}")


async def test_sessions_that_are_open_or_keep_coming_do_not_stop_the_switch(
    postgres_database: str, live: Connections, copy: Connections
) -> None:
    """An application reconnects as fast as it is thrown out."""
    idle = await asyncpg.connect(postgres_database)
    stop = asyncio.Event()
    served: list[int] = []

    async def knock() -> None:
        while not stop.is_set():
            try:
                served.append(await value(postgres_database, "SELECT count(*) FROM items"))
            except failures.DRIVER_ERRORS:
                served.append(-1)

    knocking = [asyncio.create_task(knock()) for _ in range(3)]
    try:
        await replace_with(live, copy.database)
    finally:
        stop.set()
        await asyncio.gather(*knocking)
        idle.terminate()

    assert await value(postgres_database, "SELECT count(*) FROM items") == 2000


async def test_a_receipt_that_is_written_during_the_switch_is_kept_or_refused(
    postgres_database: str, live: Connections, copy: Connections
) -> None:
    """One that was acknowledged and then left behind with the old content would be forged history."""
    stop = asyncio.Event()
    kept: list[int] = []

    async def write() -> None:
        number = 10
        while not stop.is_set():
            number += 1
            try:
                await execute(
                    postgres_database, f"INSERT INTO database_migration.event VALUES ({number}, 'x')"
                )
            except failures.DRIVER_ERRORS:
                continue
            kept.append(number)

    writing = asyncio.create_task(write())
    try:
        await replace_with(live, copy.database)
    finally:
        stop.set()
        await writing

    there = await value(postgres_database, "SELECT array_agg(seq) FROM database_migration.event")
    assert set(kept) <= set(there)


async def test_a_switch_that_fails_leaves_everything_and_can_be_repeated(
    postgres_database: str, live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a rename that fails nor what comes after both of them may leave half of it."""

    def taken(_live: str) -> str:
        return "postgres"

    monkeypatch.setattr(aside, "new_name", taken)
    before = await sums(live)
    with pytest.raises(Failed):
        await replace_with(live, copy.database)
    monkeypatch.undo()

    async def fail(*_arguments: object) -> None:
        raise Failed("planted", "planted", help="Planted.")

    monkeypatch.setattr(surroundings.Surroundings, "give", fail)
    with pytest.raises(Failed):
        await replace_with(live, copy.database)
    monkeypatch.undo()

    assert await sums(live) == before
    assert copy.database in await scratch(live)
    await execute(postgres_database, "TRUNCATE items")
    await replace_with(live, copy.database)
    assert await sums(live) == before


async def test_a_ledger_is_carried_over_without_a_word_to_the_event_triggers_of_the_copy(
    postgres_database: str, live: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that writes every command down would add records to what was restored, and the restore would differ."""
    place = private(tmp_path)
    await execute(
        postgres_database,
        """CREATE TABLE ddl_log (tag text);
        CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO public.ddl_log VALUES (tg_tag); END$$;
        CREATE EVENT TRIGGER at_end ON ddl_command_end EXECUTE FUNCTION log_ddl();
        CREATE EVENT TRIGGER at_drop ON sql_drop EXECUTE FUNCTION log_ddl()""",
    )
    before = await sums(live)
    await dump(live, NameMap(), place)
    await execute(postgres_database, "CREATE TABLE later (n int)")

    async def fail(*_arguments: object) -> None:
        raise Failed("planted", "planted", help="Planted.")

    async with scratch_copy(live) as restored:
        await load(restored, place)
        with monkeypatch.context() as patched:
            patched.setattr(surroundings.Surroundings, "give", fail)
            with pytest.raises(Failed, match="planted"):
                await replace_with(live, restored.database)
        # The second try drops what the first one carried over.
        await replace_with(live, restored.database)

    assert await sums(live) == before
    assert await value(postgres_database, "SELECT count(*) FROM database_migration.event") == 1
    await execute(postgres_database, "CREATE TABLE logged (n int)")
    assert await value(postgres_database, "SELECT array_agg(tag) FROM ddl_log") == ["CREATE TABLE"]


async def test_a_database_with_something_anchored_to_it_is_not_replaced(
    postgres_database: str, live: Connections, copy: Connections
) -> None:
    """A subscription would go on filling the old content."""
    await execute(
        postgres_database,
        "SET client_min_messages = error;"
        "CREATE SUBSCRIPTION feed CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
    )
    try:
        with pytest.raises(Refused) as refusal:
            await replace_with(live, copy.database)
    finally:
        await execute(
            postgres_database, "ALTER SUBSCRIPTION feed SET (slot_name = NONE); DROP SUBSCRIPTION feed"
        )

    assert refusal.value.code == "database-anchored"


async def test_a_copy_that_lost_its_privileges_is_good_for_rehearsal_only(
    postgres_database: str, live: Connections, tmp_path: Path
) -> None:
    """Restored without the roles of its source it would lock the application out, or let others in."""
    role = f"reader_{live.database[-12:]}"
    place = private(tmp_path)
    await execute(postgres_database, f"CREATE ROLE {role}; GRANT SELECT ON items TO {role}")
    try:
        await dump(live, NameMap(), place)
        async with scratch_copy(live) as whole:
            await load(whole, place)
            url = postgres_database.replace(live.database, whole.database)
            assert await value(url, f"SELECT has_table_privilege('{role}', 'items', 'SELECT')")
    finally:
        await execute(postgres_database, f"DROP OWNED BY {role}; DROP ROLE {role}")

    async with scratch_copy(live) as bare:
        await load(bare, place)
        assert await sums(bare) == await sums(live)
        with pytest.raises(Refused) as refusal:
            await replace_with(live, bare.database)

    assert refusal.value.code == "copy-not-complete"


async def test_nothing_but_a_marked_copy_may_take_the_place(live: Connections) -> None:
    """A wrong name here would put any database of the server in front of the application."""
    with pytest.raises(Refused) as refusal:
        await replace_with(live, "template1")

    assert refusal.value.code == "not-scratch"
