"""The log is JSON lines, and holds no secret."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from skill_server.protocol import logs


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:hunter2@db/items failed",
        "mongodb+srv://app:hunter2@cluster/items?x=1",
        "password=hunter2 host=db",
        "{'password': 'hunter2'}",
        'token: "hunter2"',
        "PGPASSWORD=x MY_SECRET is fine, secret=hunter2",
    ],
)
def test_what_looks_like_a_secret_does_not_reach_the_log(text: str) -> None:
    """A log is copied into tickets by people who do not know what it holds."""
    assert "hunter2" not in logs.masked(text)


def test_a_record_with_an_error_is_one_line_of_json_without_its_secrets() -> None:
    """Whoever collects logs reads them line by line."""
    try:
        raise OSError("cannot reach postgresql://app:hunter2@db/items")
    except OSError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "tool %s broke", ("t",), sys.exc_info())

    line = logs.JsonLines().format(record)
    assert "\n" not in line
    assert "hunter2" not in line
    read = json.loads(line)
    assert (read["event"], read["level"]) == ("tool t broke", "error")
    assert "OSError" in read["exception"]
