"""What is kept of a run: a table for people and `build/bench.json` for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from rich.table import Table

from benchmarks.harness.measure import SECONDS, Bar, Series


class Spread(TypedDict):
    """The values of one side."""

    min: float
    median: float
    max: float


class Entry(TypedDict):
    """One measured ratio; `product` and `peer` are in the unit that `quantity` names.

    An `absolute` one has target and limit in that unit too, for the median of the product.
    """

    area: str
    id: str
    what: str
    ratio: float
    target: float
    limit: float
    runs: int
    worst_ratio: float
    quantity: str
    absolute: bool
    product: Spread
    peer: Spread


def entry(area: str, bar: Bar, measured: Series) -> Entry:
    """Return what is kept of one quantity of a benchmark."""
    return Entry(
        area=area,
        id=bar.id,
        what=bar.what,
        ratio=round(measured.ratio, 4),
        target=bar.target,
        limit=bar.limit,
        runs=len(measured.ratios),
        worst_ratio=round(max(measured.ratios), 4),
        quantity=bar.quantity,
        absolute=bar.absolute,
        product=_spread(measured.product),
        peer=_spread(measured.peer),
    )


def judged(found: Entry) -> float:
    """Return what target and limit are for."""
    return found["product"]["median"] if found["absolute"] else found["ratio"]


def over_limit(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that exceed their limit."""
    return [found for found in entries if judged(found) > found["limit"]]


def verdict(found: Entry) -> str:
    """Say in words where a measurement lies."""
    if judged(found) > found["limit"]:
        return "OVER LIMIT"
    return "target met" if judged(found) <= found["target"] else "within limit, target missed"


def write(entries: Sequence[Entry], file: Path) -> None:
    """Write the entries as a list."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(entries: Sequence[Entry]) -> Table:
    """Return the entries as a table."""
    shown = Table(title="product against peer, medians of interleaved runs")
    for title in ("area", "id", "what"):
        shown.add_column(title)
    for title in ("ratio (worst)", "target", "limit", "product", "peer", "runs"):
        shown.add_column(title, justify="right")
    shown.add_column("verdict")
    for found in entries:
        shown.add_row(
            found["area"],
            found["id"],
            found["what"],
            f"{found['ratio']:.2f} ({found['worst_ratio']:.2f})",
            _bar(found, found["target"]),
            _bar(found, found["limit"]),
            _amount(found["product"]["median"], found["quantity"]),
            _amount(found["peer"]["median"], found["quantity"]),
            str(found["runs"]),
            verdict(found),
        )
    return shown


def _spread(values: Sequence[float]) -> Spread:
    return Spread(
        min=round(min(values), 6), median=round(statistics.median(values), 6), max=round(max(values), 6)
    )


def _bar(found: Entry, value: float) -> str:
    return _amount(value, found["quantity"]) if found["absolute"] else f"{value:.2f}"


def _amount(value: float, quantity: str) -> str:
    if quantity == SECONDS:
        return f"{value:.3f} s"
    return f"{value:,.0f} {quantity}" if value >= 100 else f"{value:.3g} {quantity}"
