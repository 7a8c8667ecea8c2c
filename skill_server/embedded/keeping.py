"""The owner's side of the keeper: start it, give it orders, see what became of the servers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Any

from skill_server.embedded import process
from skill_server.embedded.account import Account
from skill_server.embedded.place import Place, servers, sweep
from skill_server.embedded.waiting import holds, until
from skill_server.errors import Failed

SCRIPT = Path(__file__).with_name("keeper.py")
STARTED_WITHIN_S = 10.0
STOPPED_WITHIN_S = 20.0
# What a server may see of our environment; the rest holds the owner's secrets.
PASSED_ON = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")


class Keeper:
    """A running keeper that we own: it ends with us unless told to `keep`."""

    def __init__(self, directory: Path, orders: int) -> None:
        self.directory = directory
        self._orders = orders
        self._starts: dict[str, int] = {}

    @classmethod
    async def start(cls, place: Place) -> Keeper:
        """Start the keeper of a directory whose lock we hold, and share the lock with it.

        Raises:
            Failed: it did not come up in time.
        """
        theirs, ours = os.pipe()
        try:
            launcher = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(SCRIPT), str(place.directory)),
                stdin=theirs,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment(),
                pass_fds=(place.lock,),
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        keeper = cls(place.directory, ours)
        try:
            await launcher.wait()
            await until(keeper.alive, within_s=STARTED_WITHIN_S, what="starting the keeper of the servers")
        except BaseException:
            keeper.let_go()
            raise
        return keeper

    def run(
        self, name: str, argv: Sequence[str], *, stop_signal: Signals, account: Account | None = None
    ) -> None:
        """Order a server to be started; its output goes to `<name>.log` in the directory."""
        self._starts[name] = self._starts.get(name, 0) + 1
        self._order(
            do="run",
            name=name,
            start=self._starts[name],
            argv=list(argv),
            env=environment(),
            log=str(self.directory / f"{name}.log"),
            stop_signal=int(stop_signal),
            user=account.user if account else None,
            group=account.group if account else None,
        )

    async def stop(self, name: str) -> None:
        """Stop one server and wait for its end."""
        self._order(do="stop", name=name)
        await until(
            lambda: self.exit_code(name) is not None, within_s=STOPPED_WITHIN_S, what=f"stopping {name}"
        )

    def keep(self) -> None:
        """Let the servers outlive us."""
        self._order(do="keep")

    def make_ephemeral(self) -> None:
        """Have the directory removed after the servers have stopped."""
        self._order(do="ephemeral")

    def alive(self) -> bool:
        """Tell whether the keeper is at work."""
        return keeper_runs(self.directory)

    def exit_code(self, name: str) -> int | None:
        """Return the exit code of a server that has ended since its last start."""
        about = servers(self.directory)["servers"].get(name)
        return None if about is None or about["start"] != self._starts[name] else about["exit_code"]

    async def ready(self, name: str, *, within_s: float, answers: Any) -> None:
        """Wait until a server `answers`.

        Raises:
            Failed: it ended or did not answer in time; the detail holds the end of its log.
        """

        def settled() -> bool:
            return self.exit_code(name) is not None or answers()

        if not await holds(settled, within_s=within_s) or self.exit_code(name) is not None:
            raise Failed(
                "embedded-server-failed",
                f"the embedded {name} server did not start",
                help=f"Read the end of {name}.log in the directory of the pair.",
                detail={"log": log_tail(self.directory, name)},
            )

    def let_go(self) -> None:
        """Close the line to the keeper, which stops its servers unless it was told to keep them."""
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1

    async def close(self) -> None:
        """Stop the servers and wait for the keeper's end."""
        pid = servers(self.directory)["keeper"]
        self.let_go()
        await ended(self.directory, pid)

    def _order(self, **order: Any) -> None:
        try:
            os.write(self._orders, json.dumps(order).encode() + b"\n")
        except BrokenPipeError as gone:
            raise Failed(
                "embedded-keeper-gone",
                "the process that holds the embedded servers was killed",
                help="Start the pair again; what it left behind is stopped first.",
            ) from gone


def keeper_runs(directory: Path) -> bool:
    """Tell whether a keeper, whoever owns it, is at work on `directory`."""
    return process.runs(servers(directory)["keeper"], SCRIPT.name, str(directory))


async def stop_keeper(directory: Path) -> None:
    """Stop the keeper of a directory, whoever started it, and its servers."""
    pid = servers(directory)["keeper"]
    if keeper_runs(directory):
        process.send(pid, SIGTERM)
    await ended(directory, pid)


async def ended(directory: Path, pid: int) -> None:
    """Wait for a keeper that is stopping; what it cannot stop in time is killed."""

    def gone() -> bool:
        return not process.runs(pid, SCRIPT.name, str(directory))

    if not await holds(gone, within_s=STOPPED_WITHIN_S):
        process.send(pid, SIGKILL)
        await until(gone, within_s=STOPPED_WITHIN_S, what="killing the keeper of the servers")
        await sweep(directory)


def environment() -> Mapping[str, str]:
    """Return the little of our environment that a server may see."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed_on, "TZ": "UTC", "LC_ALL": "C.UTF-8"}


def log_tail(directory: Path, name: str, *, size: int = 2000) -> str:
    """Return the end of a server's log."""
    try:
        return (directory / f"{name}.log").read_text(errors="replace")[-size:]
    except FileNotFoundError:
        return ""
