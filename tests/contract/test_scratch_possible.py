"""Rights that a backup needs are asked for before anything is dumped, on both databases alike."""

from __future__ import annotations

import secrets

import pytest

from skill_server.backends import open_backend
from skill_server.backends.base import scratch_name
from skill_server.backends.mongo.backup import preflight
from skill_server.backends.mongo.schema.listing import LONGEST_NAMESPACE_BYTES
from skill_server.backup import scratch
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import TargetIdentity
from tests.contract.postgres.sample import execute
from tests.support.logins import postgres_reader, with_login
from tests.support.servers import Servers, mongodb_client


@pytest.mark.parametrize("kind", list(BackendKind))
async def test_who_may_do_everything_is_let_through_and_leaves_nothing(
    kind: BackendKind, postgres_database: str, mongo_database: str
) -> None:
    """A trial that left its own scratch database behind would be one more thing to clean."""
    url = postgres_database if kind is BackendKind.POSTGRES else mongo_database
    backend = open_backend(kind, url, NameMap())
    copy = backend.at(scratch_name("probe", secrets.token_hex(4)))
    try:
        await backend.require_dumpable()
        await copy.require_scratch_possible()
        assert copy.database not in await backend.scratch()
    finally:
        await backend.close()


async def test_a_role_without_createdb_is_told_what_to_grant(
    servers: Servers, postgres_database: str
) -> None:
    """Found after the dump, this costs an hour and leaves a backup that proves nothing."""
    async with postgres_reader(servers.postgres_url, postgres_database) as url:
        backend = open_backend(BackendKind.POSTGRES, url, NameMap())
        await backend.require_dumpable()
        with pytest.raises(Refused) as refusal:
            await backend.at(scratch_name("probe", "1")).require_scratch_possible()

    assert refusal.value.code == "permission-missing"
    assert "CREATEDB" in refusal.value.help


@pytest.mark.parametrize(
    ("statements", "told", "granted"),
    [
        (["CREATE TABLE hidden (id int)"], "public.hidden", 'GRANT SELECT ON TABLE "public"."hidden"'),
        (["CREATE SEQUENCE numbers"], "public.numbers", 'GRANT SELECT ON SEQUENCE "public"."numbers"'),
        (["CREATE SCHEMA side", "CREATE TABLE side.notes (id int)"], "side.notes", 'USAGE ON SCHEMA "side"'),
        (
            [
                "CREATE TABLE hidden (id int)",
                "GRANT SELECT ON hidden TO public",
                "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY",
            ],
            "public.hidden",
            "BYPASSRLS",
        ),
    ],
)
async def test_what_the_role_may_not_read_whole_is_named_with_the_grant(
    servers: Servers, postgres_database: str, statements: list[str], told: str, granted: str
) -> None:
    """A dump of one table that fails at the end of an hour is found in a moment before it."""
    role = f"partial_{secrets.token_hex(6)}"
    await execute(servers.postgres_url, f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    try:
        for statement in statements:
            await execute(postgres_database, statement)
        backend = open_backend(BackendKind.POSTGRES, with_login(postgres_database, role, "secret"), NameMap())
        with pytest.raises(Refused) as refusal:
            await backend.require_dumpable()
    finally:
        await execute(servers.postgres_url, f"DROP ROLE {role}")

    assert refusal.value.code == "permission-missing"
    assert told in refusal.value.message
    assert granted in refusal.value.help


async def test_a_collection_whose_name_no_copy_could_have_is_named_before_a_backup(
    mongo_database: str,
) -> None:
    """A scratch database has a longer name than the live one, and a namespace counts both."""
    target = TargetIdentity(ledger_id="0" * 64, name="test", environment="staging")
    purposes = [getattr(scratch, word) for word in ("PROOF", "REHEARSAL", "PROBE")]
    names = [
        scratch.names(target, purpose, "0" * 8)[BackendKind.MONGODB] for purpose in (*purposes, "restore")
    ]
    assert max(map(len, names)) == preflight.LONGEST_SCRATCH_BYTES
    backend = open_backend(BackendKind.MONGODB, mongo_database, NameMap())
    longest = LONGEST_NAMESPACE_BYTES - preflight.LONGEST_SCRATCH_BYTES - 1
    try:
        async with mongodb_client(mongo_database) as client:
            database = client.get_default_database()
            await database.create_collection("x" * longest)
            await backend.require_dumpable()
            await database.create_collection("é" * (longest // 2 + 1))
        with pytest.raises(Refused, match="longer than 215 bytes") as refusal:
            await backend.require_dumpable()
    finally:
        await backend.close()

    assert refusal.value.code == "name-too-long"
