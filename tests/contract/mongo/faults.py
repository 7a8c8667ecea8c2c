"""Faults that a server with test commands can be asked for."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from skill_server.backends.mongo.connection import Connections


async def fail_get_more(connections: Connections, *, times: int) -> None:
    """Let the server forget the cursor at the next reads of further documents; skip where it cannot."""
    try:
        await connections.client().admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": times},
                "data": {"failCommands": ["getMore"], "errorCode": 43},
            }
        )
    except OperationFailure:
        pytest.skip("the server has no test commands")
