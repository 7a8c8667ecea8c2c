"""A second PostgreSQL server, older than the embedded one: that of the system's packages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from skill_server.embedded import account
from skill_server.embedded.mongodb import free_port

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
WITHIN_S = 60


@asynccontextmanager
async def older_postgres() -> AsyncGenerator[str]:
    """Start the server in a temporary folder and give its administrator's URL; a failure in CI where it is missing."""
    if not (PROGRAMS / "initdb").is_file():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{PROGRAMS} has no PostgreSQL 15, which the CI installs")
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="test-older-postgres-"))
    # PostgreSQL does not run as root, so the folder belongs to the account that it runs under.
    other = account.unprivileged()
    if other is not None:
        os.chown(home, other.user, other.group)
    password, port = secrets.token_hex(12), free_port()
    data, secret = home / "data", home / "password"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [PROGRAMS / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            user=other.user if other else None,
            group=other.group if other else None,
            extra_groups=[] if other else None,
            timeout=WITHIN_S,
            check=True,
        )

    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    initdb = (
        *(f"--pgdata={data}", "--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}"),
        *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
    )
    secret.touch(mode=0o600)
    secret.write_text(password)
    if other is not None:
        os.chown(secret, other.user, other.group)
    try:
        await asyncio.to_thread(run, "initdb", *initdb)
        start = (
            "start",
            "--wait",
            "--silent",
            f"--pgdata={data}",
            f"--log={home / 'log'}",
            f"--options={options}",
        )
        await asyncio.to_thread(run, "pg_ctl", *start)
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            await asyncio.to_thread(run, "pg_ctl", "stop", "--silent", "--mode=immediate", f"--pgdata={data}")
        shutil.rmtree(home)
