"""The page about benchmarks names each of them."""

from __future__ import annotations

import re

from benchmarks.harness.discovery import discovered
from benchmarks.harness.measure import Bar
from benchmarks.harness.processes import CHECKOUT

ROW = re.compile(r"^\| `([a-z-]+)` \|.*\| ([0-9.]+)[^|]*\| ([0-9.]+)[^|]*\|$", re.MULTILINE)


def test_the_page_shows_every_bar_as_it_is_held() -> None:
    """A target that was moved in the code must not stay where readers look it up."""
    page = (CHECKOUT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    shown = {(name, float(target), float(limit)) for name, target, limit in ROW.findall(page)}
    bars: list[Bar] = [bar for found in discovered() for bar in found.benchmark.bars]

    assert shown == {(bar.id, float(bar.target), float(bar.limit)) for bar in bars}
