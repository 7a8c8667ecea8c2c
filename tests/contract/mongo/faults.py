"""Faults that a server with test commands can be asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from pymongo.errors import OperationFailure

from skill_server.backends.mongo.connection import Connections


@asynccontextmanager
async def lost_cursors(connections: Connections, *, times: int) -> AsyncGenerator[None]:
    """Let the server forget the cursor at the next reads of further documents; skip where it cannot."""
    administration = connections.client().admin
    try:
        await administration.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": times},
                "data": {"failCommands": ["getMore"], "errorCode": 43},
            }
        )
    except OperationFailure:
        pytest.skip("the server has no test commands")
    try:
        yield
    finally:
        await administration.command({"configureFailPoint": "failCommand", "mode": "off"})
