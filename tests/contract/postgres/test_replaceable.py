"""What would stop a replacement of a database, found out while nothing has happened."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from skill_server.backends.postgres.backup import surroundings
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.restore import aside, replaceable, roles
from skill_server.backends.postgres.restore.replace import replace_with
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute, private


@pytest.fixture
def role(live: Connections) -> str:
    """The name of a role of this test alone."""
    return f"plain_{live.database[-12:]}"


async def test_a_role_that_may_not_rename_or_end_sessions_is_refused_beforehand(
    postgres_database: str, live: Connections, role: str
) -> None:
    """MongoDB may be switched by the time a missing right shows."""
    name = live.database
    await execute(postgres_database, f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'x'")
    as_role = as_login(postgres_database, role)
    try:
        with pytest.raises(Refused, match="may not rename") as unowned:
            await replaceable.require_replaceable(as_role)
        await execute(postgres_database, f'ALTER DATABASE "{name}" OWNER TO {role}')
        await replaceable.require_replaceable(as_role)
        other = await asyncpg.connect(postgres_database)
        with pytest.raises(Refused, match="may not end the sessions") as in_use:
            await replaceable.require_replaceable(as_role)
        await other.close()
        await execute(postgres_database, f"ALTER ROLE {role} NOCREATEDB")
        with pytest.raises(Refused) as without:
            await replaceable.require_replaceable(as_role)
    finally:
        await execute(postgres_database, f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER; DROP ROLE {role}')

    assert (unowned.value.code, without.value.code) == (
        "database-not-replaceable",
        "database-not-replaceable",
    )
    assert in_use.value.code == "database-in-use"


async def test_settings_that_the_role_may_not_give_are_found_out_beforehand(
    postgres_database: str, live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are given in a transaction that is taken back, so that the copy stays as it was."""
    await execute(postgres_database, f"ALTER DATABASE \"{live.database}\" SET work_mem TO '7MB'")
    await replaceable.require_replaceable(live, copy.database)
    async with live.maintenance(purpose="test") as connection:
        assert (await surroundings.Surroundings.read(connection, copy.database)).settings == ()

    async def forbidden(*_arguments: object) -> None:
        raise asyncpg.InsufficientPrivilegeError("permission denied to set parameter")

    monkeypatch.setattr(surroundings.Surroundings, "give", forbidden)
    with pytest.raises(Refused, match="permission denied to set parameter") as refusal:
        await replaceable.require_replaceable(live, copy.database)
    assert refusal.value.code == "database-not-replaceable"


async def test_what_was_put_aside_is_listed_until_it_is_dropped(live: Connections, copy: Connections) -> None:
    """Otherwise nobody would remember how much room old content takes."""
    assert await aside.replaced(live) == ()

    old = await replace_with(live, copy.database)

    (found,) = await aside.replaced(live)
    assert found.name == old
    assert found.size_bytes > 0


def as_login(url: str, role: str) -> Connections:
    """Return the way to a database for a role of a test."""
    parts = urlsplit(url)
    return Connections(urlunsplit(parts._replace(netloc=f"{role}:x@{parts.netloc.rpartition('@')[2]}")))


async def test_what_an_owner_may_not_set_again_is_found_out_before_there_is_a_copy(
    postgres_database: str, live: Connections, role: str
) -> None:
    """Loading for hours only to learn that a superuser once set a parameter of the database helps nobody."""
    name = live.database
    await execute(postgres_database, f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'x'")
    try:
        await execute(
            postgres_database,
            f"""ALTER DATABASE "{name}" OWNER TO {role};
            ALTER DATABASE "{name}" SET work_mem TO '7MB';
            ALTER DATABASE "{name}" SET log_min_duration_statement TO '5s'""",
        )
        async with live.maintenance(purpose="test") as connection:
            before = await surroundings.Surroundings.read(connection, name)
        with pytest.raises(Refused, match="log_min_duration_statement") as refusal:
            await replaceable.require_replaceable(as_login(postgres_database, role))
        await execute(postgres_database, f'ALTER DATABASE "{name}" RESET log_min_duration_statement')
        await replaceable.require_replaceable(as_login(postgres_database, role))
        async with live.maintenance(purpose="test") as connection:
            after = await surroundings.Surroundings.read(connection, name)
    finally:
        await execute(postgres_database, f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER; DROP ROLE {role}')

    assert refusal.value.code == "database-not-replaceable"
    assert [setting.name for setting in before.settings] == ["work_mem", "log_min_duration_statement"]
    assert after == before._replace(settings=before.settings[:1])


async def test_a_role_that_may_not_give_to_the_owner_is_refused_beforehand(
    postgres_database: str, live: Connections, role: str
) -> None:
    """Since PostgreSQL 16 a member may have what its role has without being allowed to give it anything."""
    name, owner = live.database, f"owner_{live.database[-12:]}"
    async with live.maintenance(purpose="test") as connection:
        if connection.get_server_version().major < 16:
            pytest.skip("this server knows no membership without SET")
    await execute(
        postgres_database,
        f"""CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'x'; CREATE ROLE {owner};
        GRANT {owner} TO {role} WITH INHERIT TRUE, SET FALSE; ALTER DATABASE "{name}" OWNER TO {owner}""",
    )
    try:
        with pytest.raises(Refused, match=f"may not give a copy to {owner}"):
            await replaceable.require_replaceable(as_login(postgres_database, role))
        await execute(postgres_database, f"GRANT {owner} TO {role} WITH INHERIT TRUE, SET TRUE")
        await replaceable.require_replaceable(as_login(postgres_database, role))
    finally:
        await execute(
            postgres_database,
            f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER; DROP ROLE {role}; DROP ROLE {owner}',
        )


async def test_a_backup_that_names_roles_the_server_lacks_is_refused_before_it_is_loaded(
    postgres_database: str, live: Connections, role: str, tmp_path: Path
) -> None:
    """Its copy is good for a rehearsal and never for the place of the live database."""
    place = private(tmp_path)
    await execute(postgres_database, f"CREATE ROLE {role}; GRANT SELECT ON items TO {role}")
    try:
        await dump(live, NameMap(), place)
        await roles.require_restorable(live, place)
    finally:
        await execute(postgres_database, f"DROP OWNED BY {role}; DROP ROLE {role}")

    with pytest.raises(Refused, match=role) as refusal:
        await roles.require_restorable(live, place)

    assert refusal.value.code == "copy-not-complete"
