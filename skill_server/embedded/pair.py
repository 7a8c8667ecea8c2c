"""Starting, attaching to and stopping an embedded pair."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skill_server.embedded import account, keeping, place, process
from skill_server.embedded.keeping import Keeper
from skill_server.embedded.mongodb import Mongodb, free_port
from skill_server.embedded.place import Place, State
from skill_server.embedded.postgres import Postgres
from skill_server.embedded.waiting import POLL_S
from skill_server.errors import Conflict, Failed, Invalid

STARTS = 3
ANOTHER_START_WITHIN_S = 60.0
DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Pair:
    """A running pair. The URLs hold passwords, so they stay out of its printed form."""

    postgres_url: str = field(repr=False)
    mongodb_url: str = field(repr=False)
    directory: Path


@asynccontextmanager
async def embedded_pair(
    directory: Path | None = None,
    *,
    databases: str = "app",
    test_commands: bool = False,
    keep: bool = False,
    durable: bool = True,
) -> AsyncGenerator[Pair]:
    """Start both servers and stop them at the end, however the end comes.

    Args:
        directory: where the data lives on; without it a temporary one is removed at the end.
        databases: the name of the database that both URLs lead to; it exists in PostgreSQL.
        test_commands: allow MongoDB's fail points.
        keep: leave servers and data behind when the block ends or this process dies.
        durable: make writes survive a power cut; tests do without for speed.

    Raises:
        Refused: a wheel is missing, or the directory cannot be used.
        Conflict: another process owns a pair in this directory.
        Failed: a server did not start; nothing is left running.
    """
    ephemeral = directory is None and not keep
    options = _Options(
        databases, test_commands=test_commands, keep=keep, durable=durable, ephemeral=ephemeral
    )
    await place.sweep_temporary()
    target = await _enter(directory, options)
    if isinstance(target, Pair):
        yield target
        return
    pair, keeper = await _start(target, options)
    try:
        yield pair
    finally:
        if keep:
            keeper.let_go()
        else:
            await keeper.close()
        target.release()


async def start_pair(directory: Path, *, databases: str = "app", durable: bool = True) -> Pair:
    """Start a pair that outlives this process, or return the one that runs in `directory` already.

    Raises:
        Refused: a wheel is missing, or the directory cannot be used.
        Conflict: a process owns the pair in this directory and will end it.
        Failed: a server did not start; nothing is left running.
    """
    options = _Options(databases, test_commands=False, keep=True, durable=durable, ephemeral=False)
    target = await _enter(directory, options)
    if isinstance(target, Pair):
        return target
    pair, keeper = await _start(target, options)
    keeper.let_go()
    target.release()
    return pair


async def stop_pair(directory: Path) -> None:
    """Stop the pair in `directory`, whoever started it; its data stays. Nothing runs there: nothing happens."""
    if not directory.exists():
        return
    directory = directory.resolve()
    await keeping.stop_keeper(directory)
    target = place.try_lock(directory)
    if target is not None:
        await place.sweep(directory)
        target.release()


@dataclass(frozen=True)
class _Options:
    database: str
    test_commands: bool
    keep: bool
    durable: bool
    ephemeral: bool

    def __post_init__(self) -> None:
        if not DATABASE_NAME.fullmatch(self.database):
            raise Invalid(
                "embedded-database-name",
                "the database name of the embedded pair is not a plain lower-case word",
                help="Use lower-case letters, digits and underscores.",
            )


async def _enter(directory: Path | None, options: _Options) -> Place | Pair:
    """Take the directory for ourselves, or return the long-lived pair that runs in it."""
    as_root = account.unprivileged() is not None
    if directory is None:
        return place.make_temporary(traversable=as_root)
    directory = place.prepare(directory, traversable=as_root)
    deadline = time.monotonic() + ANOTHER_START_WITHIN_S
    while (target := place.try_lock(directory)) is None:
        state = place.read_state(directory)
        # What a dead owner left says "ready" too: only a living keeper counts, and for a pair that is
        # not long-lived a living owner. Without it the servers are about to stop, which is worth waiting for.
        if state is not None and state.ready and keeping.keeper_runs(directory) and _lives(state):
            if not state.kept or state.database != options.database:
                raise Conflict(
                    "embedded-pair-in-use",
                    "another process owns the embedded pair in this directory, or uses another database in it",
                    help="Wait for that process, or choose another directory.",
                )
            if all(server["exit_code"] is None for server in _serving(directory)):
                return _pair(directory, state)
            await keeping.stop_keeper(directory)
        if time.monotonic() > deadline:
            raise Conflict(
                "embedded-pair-starting",
                "another process has been starting the embedded pair in this directory for too long",
                help="Find out what that process waits for, or choose another directory.",
            )
        await asyncio.sleep(POLL_S)
    return target


def _lives(state: State) -> bool:
    return state.kept or process.command_line(state.owner) is not None


def _serving(directory: Path) -> list[dict[str, Any]]:
    started = place.servers(directory)["servers"]
    return [started[name] for name in (Postgres.name, Mongodb.name)]


async def _start(target: Place, options: _Options) -> tuple[Pair, Keeper]:
    await place.sweep(target.directory)
    state = target.read() or State(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    state.database, state.owner = options.database, os.getpid()
    state.ready, state.kept = False, options.keep
    target.write(state)
    keeper: Keeper | None = None
    try:
        keeper = await Keeper.start(target)
        if options.ephemeral:
            keeper.make_ephemeral()
        await _start_servers(target, keeper, state, options)
        if options.keep:
            keeper.keep()
        state.ready = True
        target.write(state)
    except BaseException:
        if keeper is not None:
            await keeper.close()
        target.release()
        raise
    return _pair(target.directory, state), keeper


async def _start_servers(target: Place, keeper: Keeper, state: State, options: _Options) -> None:
    postgres = Postgres(target.directory, account.unprivileged(), durable=options.durable)
    mongodb = Mongodb(
        target.directory,
        durable=options.durable,
        ephemeral=options.ephemeral,
        test_commands=options.test_commands,
    )

    async def start_postgres() -> None:
        await postgres.prepare(state.postgres_password)
        if state.database not in state.created_databases:
            await postgres.create_database(state.database)
            state.created_databases.append(state.database)
            target.write(state)
        state.postgres_port = await _on_a_free_port(postgres, keeper)

    async def start_mongodb() -> None:
        await mongodb.prepare(keeper, state.mongodb_password)
        state.mongodb_port = await _on_a_free_port(mongodb, keeper)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(start_postgres())
            group.create_task(start_mongodb())
    except ExceptionGroup as failures:
        # One reason is enough to act on; the other server was stopped because of it.
        raise failures.exceptions[0] from None


async def _on_a_free_port(server: Postgres | Mongodb, keeper: Keeper) -> int:
    for start in range(1, STARTS + 1):
        port = free_port()
        try:
            await server.start(keeper, port)
        except Failed:
            # Between our look and the server's bind somebody else may have taken the port: then it ended.
            if start == STARTS or keeper.exit_code(server.name) is None:
                raise
            continue
        return port
    raise AssertionError("unreachable: the last start returns or raises")


def _pair(directory: Path, state: State) -> Pair:
    return Pair(
        postgres_url=(
            f"postgresql://postgres:{state.postgres_password}@127.0.0.1:{state.postgres_port}/{state.database}"
        ),
        mongodb_url=(
            f"mongodb://root:{state.mongodb_password}@127.0.0.1:{state.mongodb_port}"
            f"/{state.database}?authSource=admin"
        ),
        directory=directory,
    )
