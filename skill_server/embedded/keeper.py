"""The process that holds the servers of one embedded pair, and stops them when its owner is gone.

Run as a script by `keeping.Keeper`, never imported by the program: it must start fast and needs
the standard library alone. Orders arrive as JSON lines on standard input; its end means that the
owner died or is done. What runs is published in `servers.json`.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STOP_WITHIN_S = 8.0


class Keeper:
    """The servers of one directory and the orders that concern them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.kept = False
        self.ephemeral = False
        self.told_to_end = False

    def obey(self, order: dict[str, Any]) -> None:
        """Carry out one order of the owner."""
        match order["do"]:
            case "run":
                self.run(order)
            case "stop":
                self.stop(order["name"])
            case "keep":
                self.kept = True
            case "ephemeral":
                self.ephemeral = True
            case unknown:
                raise ValueError(f"unknown order: {unknown}")

    def run(self, order: dict[str, Any]) -> None:
        """Start one server, under another account when the order names one."""
        name = order["name"]
        with Path(order["log"]).open("ab") as log:
            self.servers[name] = subprocess.Popen(
                order["argv"],
                env=order["env"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=order["user"],
                group=order["group"],
                extra_groups=None if order["user"] is None else [],
            )
        self.orders[name] = order
        self.publish()

    def stop(self, *names: str) -> None:
        """Ask servers to stop together, and kill those that did not in time."""
        for name in names:
            if self.servers[name].poll() is None:
                self.servers[name].send_signal(self.orders[name]["stop_signal"])
        deadline = time.monotonic() + STOP_WITHIN_S
        for name in names:
            try:
                self.servers[name].wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.servers[name].kill()
                self.servers[name].wait()
        self.publish()

    def publish(self) -> None:
        """Write which servers run, in one rename, so that a reader never sees half a file."""
        listing = {
            "keeper": os.getpid(),
            "servers": {
                name: {"pid": server.pid, "start": self.orders[name]["start"], "exit_code": server.poll()}
                for name, server in self.servers.items()
            },
        }
        draft = self.directory / "servers.json.new"
        draft.write_text(json.dumps(listing))
        draft.replace(self.directory / "servers.json")

    def serve(self) -> None:
        """Obey until the owner is gone or a stop is asked for, then stop everything."""
        waker, wakened = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self.end)
        signal.signal(signal.SIGCHLD, self.notice)
        self.publish()
        listening = [0, wakened.fileno()]
        pending = b""
        while not self.told_to_end:
            ready, _, _ = select.select(listening, [], [])
            if wakened.fileno() in ready:
                wakened.recv(4096)
                self.publish()
            if 0 not in ready:
                continue
            chunk = os.read(0, 65536)
            if not chunk:
                if not self.kept:
                    break
                listening.remove(0)
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                self.obey(json.loads(line))
        self.stop(*self.servers)
        if self.ephemeral:
            shutil.rmtree(self.directory, ignore_errors=True)

    def notice(self, *_: object) -> None:
        """Do nothing: that a handler exists is what makes the end of a server wake the loop."""

    def end(self, *_: object) -> None:
        """Remember that a stop was asked for by a signal."""
        self.told_to_end = True


def main() -> None:
    """Leave the owner's process tree and keep the servers of the directory given."""
    os.umask(0o077)
    # The owner waits for the first process alone, so a keeper that outlives it is nobody's zombie.
    if os.fork():
        os._exit(0)
    os.chdir("/")
    keeper = Keeper(Path(sys.argv[1]))
    try:
        keeper.serve()
    finally:
        # An order that cannot be carried out ends the keeper; its servers must not outlive it.
        for server in keeper.servers.values():
            if server.poll() is None:
                server.kill()


if __name__ == "__main__":
    main()
