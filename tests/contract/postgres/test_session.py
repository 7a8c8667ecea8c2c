"""Sessions, identity and the lock on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from skill_server.backends import open_backend
from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.run import lock as locks
from skill_server.errors import Conflict, Failed, InDoubt, Refused
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Probe, Statement


async def test_a_session_carries_its_purpose_and_pinned_settings(postgres_database: str) -> None:
    """Definitions and values are printed the same way whatever the role or database has as its default."""
    async with Connections(postgres_database).session(
        purpose="test", settings={"timezone": "Asia/Tokyo"}
    ) as session:
        row = await session.fetchrow(
            "SELECT current_setting('application_name') AS name, current_setting('search_path') AS path, "
            "current_setting('timezone') AS zone, current_setting('row_security') AS policies, "
            "current_setting('client_connection_check_interval') AS check"
        )
    assert row is not None
    assert dict(row) == {
        "name": "database-migration test",
        "path": "pg_catalog",
        "zone": "Asia/Tokyo",
        "policies": "off",
        "check": "200ms",
    }


async def test_whoever_is_cancelled_while_a_session_opens_leaves_none_behind(postgres_database: str) -> None:
    """One of several copiers fails and ends the others, wherever they are just then."""

    async def open_and_stay() -> None:
        async with Connections(postgres_database).session(purpose="cancelled"):
            await asyncio.Event().wait()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        for turns in range(0, 1500, 40):
            opening = asyncio.create_task(open_and_stay())
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


async def test_what_keeps_a_session_from_opening_is_told_apart(postgres_database: str) -> None:
    """Each refusal sends the reader to another place, and none shows the URL."""
    there = Connections(postgres_database)
    with pytest.raises(Refused) as missing:
        await PostgresBackend(postgres_database, NameMap()).at("no such database").identity()
    assert missing.value.code == "database-missing"

    with pytest.raises(Refused) as unreachable:
        await PostgresBackend("postgresql://ann:s3cret@127.0.0.1:1/shop", NameMap()).identity()
    assert unreachable.value.code == "server-unreachable"
    assert "s3cret" not in str(unreachable.value)

    async with there.session(purpose="test") as session:
        with pytest.raises(Refused) as forbidden:
            await _without_rights(there)
        assert await session.fetchval("SELECT to_regclass('public.x')") is None
    assert forbidden.value.code == "permission-denied"


async def test_a_failing_statement_is_ours_and_a_callers_own_error_stays_its_own(
    postgres_database: str,
) -> None:
    """Driver errors never leave the backend, and nothing else is dressed up as one."""
    connections = Connections(postgres_database)
    with pytest.raises(Failed) as failure:
        async with connections.session(purpose="test") as session:
            await session.execute("SELECT 1 / 0")
    assert failure.value.detail["sqlstate"] == "22012"
    with pytest.raises(FileNotFoundError):
        async with connections.session(purpose="test"):
            raise FileNotFoundError


async def test_the_identity_names_server_and_database(postgres_database: str) -> None:
    """Evidence is bound to it, so a clone must have another."""
    backend = open_backend(BackendKind.POSTGRES, postgres_database, NameMap())
    first = await backend.identity()
    other = await backend.at("template1").identity()
    assert (first.product, first.database, first.writable, first.topology) == (
        "PostgreSQL",
        backend.database,
        True,
        "primary",
    )
    assert first.server == other.server
    assert first.database_id != other.database_id


async def test_a_read_only_default_is_not_called_writable(postgres_database: str) -> None:
    """Some hosts open the old primary read-only after a failover."""
    connections = Connections(postgres_database)
    async with connections.maintenance(purpose="test") as session:
        await session.execute(
            f'ALTER DATABASE "{connections.database}" SET default_transaction_read_only = on'
        )
    found = await PostgresBackend(postgres_database, NameMap()).identity()
    assert not found.writable
    assert any("read-only" in warning for warning in found.warnings)


async def test_other_clients_are_named_and_our_own_sessions_are_not(postgres_database: str) -> None:
    """Whole-content equality means something only where nobody else writes."""
    backend = PostgresBackend(postgres_database, NameMap())
    connections = Connections(postgres_database)
    async with connections.session(purpose="mine"):
        assert await backend.writers() == ()
        async with connections.session(purpose="x", settings={"application_name": "shop web"}):
            (writer,) = await backend.writers()
    assert writer.startswith("shop web (")


async def test_the_lock_is_held_by_one_and_names_its_holder(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two migrations at once would each undo the other."""
    monkeypatch.setattr(locks, "ACQUIRE_WITHIN_S", 0.2)
    backend = PostgresBackend(postgres_database, NameMap())
    async with backend.lock({"host": "build-7"}):
        with pytest.raises(Conflict) as conflict:
            async with backend.lock({"host": "build-8"}):
                pytest.fail("two held the lock")
        assert conflict.value.code == "lock-held"
        assert "build-7" in conflict.value.message
        async with backend.at("template1").lock({"host": "elsewhere"}):
            pass
    async with backend.lock({"host": "build-8"}):
        pass


async def test_a_lock_that_was_lost_meanwhile_is_reported(postgres_database: str) -> None:
    """The session that holds the lock may be ended by an administrator; work done since is in doubt."""
    backend = PostgresBackend(postgres_database, NameMap())
    ending = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name LIKE 'database-migration lock host=lost-one%'"
    )
    async with Connections(postgres_database).session(purpose="test") as session:
        with pytest.raises(InDoubt) as doubt:
            async with backend.lock({"host": "lost-one"}):
                await session.execute(ending)
    assert doubt.value.code == "lock-lost"


async def test_the_callers_error_passes_through_the_lock(postgres_database: str) -> None:
    """What broke inside is the news, not the lock."""
    backend = PostgresBackend(postgres_database, NameMap())
    with pytest.raises(ConnectionResetError):
        async with backend.lock({}):
            raise ConnectionResetError


async def test_a_probe_counts_all_offenders_and_names_the_first(postgres_database: str) -> None:
    """Ten keys are enough to look at; the count says how much work it is."""
    statement = Statement(text="SELECT g::text FROM generate_series(1, 25) AS g")
    probe = Probe(id="many", message="records", help="Mend them.", statement=statement)
    found = await PostgresBackend(postgres_database, NameMap()).probe(probe)
    assert (found.count, len(found.keys), found.keys[:2]) == (25, 10, ("1", "10"))


async def _without_rights(connections: Connections) -> None:
    async with connections.session(purpose="test") as session:
        await session.execute("SET SESSION AUTHORIZATION pg_monitor")
        await session.execute("CREATE TABLE public.x (a integer)")
