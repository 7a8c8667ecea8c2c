"""The MongoDB-protocol half: SecantusDB as a process of its own, with a user and a password."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from skill_server.embedded.keeping import Keeper
from skill_server.embedded.wheels import require_secantus
from skill_server.errors import Failed

USER = "root"
READY_WITHIN_S = 30.0
ANSWER_WITHIN_MS = 5000


class Mongodb:
    """The SecantusDB server of one directory."""

    name = "mongodb"

    def __init__(self, directory: Path, *, durable: bool, ephemeral: bool, test_commands: bool) -> None:
        require_secantus()
        self.directory = directory
        self.data = directory / "mongodb"
        self.durable = durable
        self.ephemeral = ephemeral
        self.test_commands = test_commands

    async def prepare(self, keeper: Keeper, password: str) -> None:
        """Make the storage and its one user exist; safe to repeat after a crash.

        Raises:
            Failed: the server did not start, or somebody else made a user while it was open.
        """
        # Without a file of ours the server would look for one in the working directory and the home.
        (self.directory / "secantusd.toml").touch(mode=0o600)
        if self.data.exists():
            return
        draft = self.directory / "mongodb.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        # The server has no exception for local set-up as MongoDB has: users are made before --auth.
        port = free_port()
        await self._run(keeper, "mongodb-setup", draft, port, "--sync-on-commit")
        user = {"createUser": USER, "pwd": password, "roles": [{"role": "root", "db": "admin"}]}
        await command(f"mongodb://127.0.0.1:{port}/", user)
        users = await command(f"mongodb://127.0.0.1:{port}/", {"usersInfo": 1})
        await keeper.stop("mongodb-setup")
        if [user["user"] for user in users["users"]] != [USER]:
            raise Failed(
                "embedded-server-tampered",
                "somebody else made a user on the embedded MongoDB server while it was set up",
                help="Find out who uses this machine, then start the pair again.",
            )
        draft.rename(self.data)

    async def start(self, keeper: Keeper, port: int) -> None:
        """Start the server and wait until it listens on loopback.

        Raises:
            Failed: it ended or took too long.
        """
        options = ["--auth"]
        if self.durable or not self.ephemeral:
            options.append("--sync-on-commit")
        if self.test_commands:
            options.append("--enable-test-commands")
        await self._run(keeper, self.name, self.data, port, *options)

    async def _run(self, keeper: Keeper, name: str, data: Path, port: int, *options: str) -> None:
        keeper.run(
            name,
            [
                *(sys.executable, "-P", "-m", "secantus", "--config", str(self.directory / "secantusd.toml")),
                *("--host", "127.0.0.1", "--port", str(port), "--storage-path", str(data)),
                *("--log-level", "WARNING", "--cache-size", "256M", *options),
            ],
            # An orderly stop of this server takes two seconds and now and then hangs. Whatever is read
            # again was synced before it was acknowledged, so a kill loses nothing.
            stop_signal=signal.SIGKILL,
        )
        await keeper.ready(name, within_s=READY_WITHIN_S, answers=lambda: listens(port))


async def command(url: str, order: dict[str, Any]) -> dict[str, Any]:
    """Run one command on the `admin` database and return its answer."""
    # The driver takes longer to import than everything else here together.
    from pymongo import AsyncMongoClient

    async with AsyncMongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=ANSWER_WITHIN_MS) as client:
        return await client.admin.command(order)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    """Tell whether a server accepts connections on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
