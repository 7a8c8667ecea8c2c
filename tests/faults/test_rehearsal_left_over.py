"""F46 to F48: copies that a dead process left, copies that are no copies, and rights that are missing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil
import pytest
import pytest_asyncio

from skill_server.application import backing_up, detecting, rehearsing
from skill_server.application.application import Application
from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.mongo.backend import MongoBackend
from skill_server.backends.mongo.backup.scratch import made_scratch
from skill_server.backends.mongo.connection import Connections as MongoConnections
from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.backends.postgres.backup.scratch import mark
from skill_server.backends.postgres.connection import Connections
from skill_server.backup import scratch
from skill_server.cli import doctor
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from tests.contract.postgres.sample import execute
from tests.support.killed import killed_once
from tests.support.logins import with_login
from tests.support.project import Project, a_project
from tests.support.servers import Servers
from tests.workflow.test_rehearsal_forecast import planned


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Project, Application]]:
    """A filled project and an application on it."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as made:
        yield made


class Foreign:
    """Databases that look like copies: another ledger's on each server, and one of our name without a mark."""

    def __init__(self, app: Application, project: Project) -> None:
        self._app = app
        self._postgres = Connections(project.postgres_url)
        self._mongo = MongoConnections(project.mongodb_url)
        self.name = f"{SCRATCH_PREFIX}rehearsal_0f0f0f0f_{secrets.token_hex(4)}"
        self.unmarked = ""

    async def __aenter__(self) -> Self:
        identity = (await self._app.session(None)).identity
        self.unmarked = f"{SCRATCH_PREFIX}rehearsal_{identity.ledger_id[:8]}_unmarked"
        async with self._postgres.maintenance(purpose="test") as connection:
            for name in (self.name, self.unmarked):
                await connection.execute(f'CREATE DATABASE "{name}"')
            await mark(connection, self.name, {})
        async with made_scratch(self._mongo.at(self.name)):
            return self

    async def left(self) -> list[str]:
        """Name those that are still there."""
        async with self._postgres.maintenance(purpose="test") as connection:
            found = [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
        found += await self._mongo.client().list_database_names()
        return sorted(name for name in found if name in (self.name, self.unmarked))

    async def __aexit__(self, *_: object) -> None:
        async with self._postgres.maintenance(purpose="test") as connection:
            for name in (self.name, self.unmarked):
                await connection.execute(f'DROP DATABASE "{name}"')
        await self._mongo.client().drop_database(self.name)
        await self._mongo.close()


async def copies(app: Application, kind: BackendKind) -> set[str]:
    """Name the rehearsal copies of this project's target on one server."""
    session = await app.session(None)
    begin = f"{SCRATCH_PREFIX}rehearsal_{session.identity.ledger_id[:8]}_"
    return {name for name in await session.pair[kind].scratch() if name.startswith(begin)}


async def refused_backup(app: Application) -> Refused:
    """Return the refusal of a backup, and check that nothing was begun."""
    session = await app.session(None)
    with pytest.raises(Refused) as refusal:
        await backing_up.back_up(session)
    folder = session.settings.backups
    assert not folder.exists() or not list(folder.iterdir())
    return refusal.value


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kind", list(BackendKind))
async def test_what_a_killed_rehearsal_left_is_swept_by_the_next_and_nothing_else_is(
    place: tuple[Project, Application], kind: BackendKind
) -> None:
    """`kill -9` runs no handler; others' copies and unmarked databases are not ours to drop."""
    project, app = place
    plan_id = await planned(app, project)

    async def copied(_process: psutil.Process) -> bool:
        return bool(await copies(app, kind))

    async with Foreign(app, project) as foreign:
        await killed_once(
            project, ["--project", str(project.root), "rehearse-migration", "--plan-id", plan_id], copied
        )
        left = await copies(app, kind)
        report, _ = await rehearsing.rehearse_plan(await app.session(None), plan_id)

        assert left
        assert report.passed, report.problems
        assert all([not await copies(app, each) for each in BackendKind])
        assert await foreign.left() == sorted([foreign.name, foreign.name, foreign.unmarked])


@pytest.mark.parametrize("backend", [PostgresBackend, MongoBackend])
async def test_a_copy_that_turns_out_to_be_the_live_database_is_refused_before_any_act(
    place: tuple[Project, Application], monkeypatch: pytest.MonkeyPatch, backend: type[Any]
) -> None:
    """F47: were the way to a copy ever to lead to the live database, its identity gives it away."""
    project, app = place
    plan_id = await planned(app, project)
    session = await app.session(None)
    before = await session.pair.checksums(), await session.pair.fingerprints()
    live = session.pair[BackendKind.POSTGRES if backend is PostgresBackend else BackendKind.MONGODB]
    way = backend.at

    async def nothing(_self: object, _template: str, *, gently: bool = False) -> None:
        return None

    def astray(self: Any, name: str) -> Any:
        return way(self, live.database if name.startswith(f"{SCRATCH_PREFIX}rehearsal_") else name)

    with monkeypatch.context() as patched:
        patched.setattr(backend, "at", astray)
        patched.setattr(backend, "copy_from", nothing)
        with pytest.raises(Refused) as refusal:
            await rehearsing.rehearse_plan(session, plan_id)

    assert refusal.value.code == "copy-is-live"
    after = await app.session(None)
    assert (await after.pair.checksums(), await after.pair.fingerprints()) == before


@pytest.mark.parametrize("kind", list(BackendKind))
@pytest.mark.parametrize("host", ["same", "localhost"])
async def test_a_rehearsal_server_that_is_the_live_database_is_refused_under_any_host_name(
    place: tuple[Project, Application], monkeypatch: pytest.MonkeyPatch, kind: BackendKind, host: str
) -> None:
    """F47: the same URL is easily copied, and an alias looks like another server."""
    project, app = place
    await detecting.detect_databases(app, None)
    url = project.postgres_url if kind is BackendKind.POSTGRES else project.mongodb_url
    if host == "localhost":
        assert urlsplit(url).hostname == "127.0.0.1"
        url = url.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("OTHER", url)
    file = project.root / "database-migration.toml"
    file.write_text(file.read_text() + f'rehearsal_{kind} = "OTHER"\n')

    refusal = await refused_backup(app)

    assert refusal.code == "copy-is-live"
    assert url not in str(refusal)


async def test_a_live_database_that_is_marked_as_scratch_is_refused(
    place: tuple[Project, Application],
) -> None:
    """F47: a sweep would drop it."""
    project, app = place
    await detecting.detect_databases(app, None)
    async with Foreign(app, project) as foreign:
        marked = (await app.session(None)).pair.at(dict.fromkeys(BackendKind, foreign.name))
        with pytest.raises(Refused) as refusal:
            await scratch.require_unmarked(marked)

    assert refusal.value.code == "copy-is-live"


async def test_a_role_that_may_not_make_copies_is_refused_before_anything_is_dumped(
    place: tuple[Project, Application], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F48: found after the dump, it costs an hour and proves nothing."""
    project, app = place
    await detecting.detect_databases(app, None)
    role, owner = f"limited_{secrets.token_hex(6)}", urlsplit(project.postgres_url).username
    await execute(servers.postgres_url, f"CREATE ROLE {role} LOGIN PASSWORD 'secret' IN ROLE \"{owner}\"")
    limited = Application(project.root)
    try:
        monkeypatch.setenv("DATABASE_URL", with_login(project.postgres_url, role, "secret"))
        refusal = await refused_backup(limited)
        told = {line.what: line.help for line in await doctor.examine(project.root, None) if not line.good}
    finally:
        await limited.close()
        await execute(servers.postgres_url, f"DROP ROLE {role}")

    assert (refusal.code, "CREATEDB" in refusal.help) == ("permission-missing", True)
    assert told["postgres rights"] == refusal.help
