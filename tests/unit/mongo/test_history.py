"""A snapshot is begun only where the server remembers long enough to read everything in it."""

from __future__ import annotations

import pytest

from skill_server.backends.mongo.backup.history import (
    CAUTIOUS_BYTES_PER_S,
    DEFAULT_WINDOW_S,
    PARAMETER,
    RESERVE,
    forecast,
    window_of,
)


@pytest.mark.parametrize(
    ("size_bytes", "bytes_per_s", "window_s", "fits"),
    [
        (0, 1.0, 0.0, True),
        (1_500, 10.0, RESERVE * 150, True),
        (1_501, 10.0, RESERVE * 150, False),
        (CAUTIOUS_BYTES_PER_S, CAUTIOUS_BYTES_PER_S, 1.0, False),
    ],
)
def test_a_snapshot_fits_when_twice_the_time_of_reading_is_within_the_history(
    size_bytes: float, bytes_per_s: float, window_s: float, *, fits: bool
) -> None:
    """The rate of the first batches may be the best of the day, so half the history is kept in reserve."""
    assert forecast(size_bytes, bytes_per_s, window_s).fits is fits


def test_a_forecast_says_what_to_set() -> None:
    """A person can let the next backup run in a snapshot."""
    expected = forecast(30e9, 20e6, DEFAULT_WINDOW_S)

    assert "3000 s" in str(expected)
    assert "300 s" in str(expected)
    assert f"set {PARAMETER} to 3000" in expected.advice()


def test_a_server_that_does_not_tell_is_taken_to_have_the_default() -> None:
    """MongoDB keeps 300 seconds unless told otherwise."""
    assert window_of({"ok": 1}) == DEFAULT_WINDOW_S
    assert window_of({PARAMETER: 30, "ok": 1}) == 30
