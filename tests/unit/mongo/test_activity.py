"""Who counts as writing: an idle pool does not, a write or an open transaction of another client does."""

from typing import Any

import pytest

from skill_server.backends.mongo.connection import APPLICATION
from skill_server.backends.mongo.restore.activity import client_of, is_at_work

WRITE: dict[str, Any] = {
    "active": True,
    "op": "update",
    "ns": "shop.item",
    "client": "10.0.0.1:5",
    "appName": "till",
    "command": {"q": {}, "u": {}},
}
OPEN: dict[str, Any] = {
    "type": "idleSession",
    "active": False,
    "transaction": {"parameters": {}},
    "appName": "till",
}


@pytest.mark.parametrize(
    "entry",
    [
        WRITE,
        {**WRITE, "op": "command", "command": {"findAndModify": "item"}},
        {**WRITE, "op": "command", "ns": "shop.$cmd", "command": {"create": "later"}},
        OPEN,
        {**OPEN, "ns": "shop.item"},
    ],
)
def test_a_write_or_an_open_transaction_counts(entry: dict[str, Any]) -> None:
    """Either could write into a collection while it is being moved."""
    assert is_at_work(entry, "shop")
    assert client_of(entry).startswith("till at ")


@pytest.mark.parametrize(
    "entry",
    [
        {**WRITE, "active": False},
        {**WRITE, "ns": "other.item"},
        {**WRITE, "ns": "shopping.item"},
        {**WRITE, "appName": APPLICATION},
        {**WRITE, "op": "query"},
        {**WRITE, "op": "command", "command": {"aggregate": "item"}},
        {**WRITE, "client": None},
        {**OPEN, "ns": "other.item"},
        {"type": "idleSession", "active": False, "appName": "till"},
    ],
)
def test_idle_connections_readers_and_others_do_not_count(entry: dict[str, Any]) -> None:
    """A pool that waits must not make a restore impossible, and a reader disturbs nothing."""
    assert not is_at_work(entry, "shop")
