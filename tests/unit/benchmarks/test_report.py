"""What is kept of a run, for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.harness.measure import Bar, Series
from benchmarks.harness.report import Entry, entry, over_limit, table, verdict, write

BAR = Bar(id="tools-list", what="time / time", target=1.0, limit=1.2)


def measured(*ratios: float) -> Entry:
    """Return the entry of these ratios against a peer that takes two seconds."""
    return entry("start", BAR, Series(tuple(2 * ratio for ratio in ratios), tuple(2.0 for _ in ratios)))


def test_the_file_is_a_list_of_entries(tmp_path: Path) -> None:
    """Its shape is what other programs read."""
    file = tmp_path / "build" / "bench.json"
    write([measured(0.5, 0.75, 1.0)], file)

    assert json.loads(file.read_text()) == [
        {
            "area": "start",
            "id": "tools-list",
            "what": "time / time",
            "ratio": 0.75,
            "target": 1.0,
            "limit": 1.2,
            "runs": 3,
            "worst_ratio": 1.0,
            "quantity": "seconds",
            "absolute": False,
            "product": {"min": 1.0, "median": 1.5, "max": 2.0},
            "peer": {"min": 2.0, "median": 2.0, "max": 2.0},
        }
    ]


@pytest.mark.parametrize(
    ("ratio", "words", "fails"),
    [
        (1.0, "target met", False),
        (1.1, "within limit, target missed", False),
        (1.2, "within limit, target missed", False),
        (1.21, "OVER LIMIT", True),
    ],
)
def test_only_a_ratio_above_the_limit_fails(ratio: float, words: str, fails: bool) -> None:
    """The target is shown; the limit decides."""
    found = measured(ratio)

    assert verdict(found) == words
    assert over_limit([found]) == ([found] if fails else [])


@pytest.mark.parametrize(
    ("value", "words", "fails"),
    [(20.0, "target met", False), (50.0, "within limit, target missed", False), (50.1, "OVER LIMIT", True)],
)
def test_a_promise_in_a_unit_of_its_own_is_kept_whatever_the_peer_does(
    value: float, words: str, fails: bool
) -> None:
    """A peer that is slow as well excuses nobody from an answer within so many milliseconds."""
    bar = Bar("ping", "slowest ping", 20, 50, quantity="ms", absolute=True)
    found = entry("backup", bar, Series((value,), (100 * value,)))

    assert verdict(found) == words
    assert over_limit([found]) == ([found] if fails else [])


def test_one_bad_turn_fails_nothing() -> None:
    """A machine that does something else for a moment must not stop a change."""
    assert over_limit([measured(1.0, 9.0, 1.0)]) == []


def test_the_table_names_the_unit_of_each_side() -> None:
    """Seconds and bytes stand in the same column."""
    size = entry("backup", Bar("size", "bytes", 1, 1, quantity="bytes"), Series((1500.0,), (3000.0,)))
    console = Console(width=200, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(table([measured(1.5), size]))
    shown = captured.get()

    assert "1.50 (1.50)" in shown
    assert "3.000 s" in shown
    assert "1,500 bytes" in shown
    assert "OVER LIMIT" in shown
