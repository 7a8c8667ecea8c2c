"""Faults that a server with test commands can be asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import monitoring
from pymongo.errors import OperationFailure

from skill_server.backends.mongo.connection import Connections

CURSOR_NOT_FOUND = 43


@asynccontextmanager
async def lost_cursors(connections: Connections, *, times: int) -> AsyncGenerator[None]:
    """Let the server forget the cursor at the next reads of further documents; skip where it cannot."""
    async with failing(connections, "getMore", CURSOR_NOT_FOUND, times=times):
        yield


@asynccontextmanager
async def failing(
    connections: Connections, command: str, code: int, *, times: int = 1
) -> AsyncGenerator[None]:
    """Let the server answer the next such commands with an error; skip where it cannot."""
    async with _fail_command(connections, times, {"failCommands": [command], "errorCode": code}):
        yield


@asynccontextmanager
async def cut_connections(connections: Connections, command: str, *, times: int) -> AsyncGenerator[None]:
    """Let the server close the connection instead of answering a command; skip where it cannot."""
    async with _fail_command(connections, times, {"failCommands": [command], "closeConnection": True}):
        yield


@asynccontextmanager
async def _fail_command(connections: Connections, times: int, data: dict[str, Any]) -> AsyncGenerator[None]:
    administration = connections.client().admin
    try:
        await administration.command(
            {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data}
        )
    except OperationFailure:
        pytest.skip("the server has no test commands")
    try:
        yield
    finally:
        await administration.command({"configureFailPoint": "failCommand", "mode": "off"})


class OpenCursors(monitoring.CommandListener):
    """Notes the cursors that the server opens for reads of a collection, for a test that kills them."""

    def __init__(self, collection: str) -> None:
        self._collection = collection
        self.found: list[int] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Take no note of questions."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Take note of the cursor in the answer."""
        cursor: Any = event.reply.get("cursor", {})
        if event.command_name == "find" and cursor and str(cursor["ns"]).endswith(f".{self._collection}"):
            self.found.append(cursor["id"])

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Take no note of errors."""
