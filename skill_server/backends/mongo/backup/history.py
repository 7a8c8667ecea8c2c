"""Whether a snapshot lives long enough to read everything in it: the server forgets old versions after a while.

MongoDB keeps the history of `minSnapshotHistoryWindowInSeconds`, 300 seconds unless set otherwise, and may end a
snapshot read that lasts longer (MongoDB manual, "Read Concern snapshot" and the parameter's own entry).
"""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo.backup.reading import CursorLost, batches
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import PERMISSION_CODES, wrapped
from skill_server.backends.mongo.verify.checksum import Tally

PARAMETER = "minSnapshotHistoryWindowInSeconds"
DEFAULT_WINDOW_S = 300.0
# Slower than anything measured, disks and networks of small servers included; what fits at this rate is not measured.
CAUTIOUS_BYTES_PER_S = 5_000_000.0
# The rate of the first batches is that of a quiet moment.
RESERVE = 2.0
SAMPLE_BYTES, SAMPLE_S = 16 * 1024 * 1024, 3.0
INVALID_OPTIONS = 72


@dataclass(frozen=True)
class Forecast:
    """How long reading everything may take, and how long the server keeps the history for it."""

    needed_s: float
    window_s: float

    @property
    def fits(self) -> bool:
        """Tell whether a snapshot would last."""
        return self.needed_s <= self.window_s

    def __str__(self) -> str:
        return (
            f"a snapshot would be needed for up to {math.ceil(self.needed_s)} s and the server keeps its history "
            f"for {self.window_s:.0f} s"
        )

    def advice(self) -> str:
        """Say what would let a snapshot last."""
        return f"set {PARAMETER} to {math.ceil(self.needed_s)} or more on every member to read once in a snapshot"


def forecast(size_bytes: float, bytes_per_s: float, window_s: float) -> Forecast:
    """Return the forecast for a database of that size at that rate, with a reserve."""
    return Forecast(needed_s=RESERVE * size_bytes / bytes_per_s, window_s=window_s)


def window_of(parameters: Mapping[str, Any]) -> float:
    """Return the window that an answer to `getParameter` names, or the default."""
    return float(parameters.get(PARAMETER, DEFAULT_WINDOW_S))


async def history_window_s(connections: Connections) -> float:
    """Ask how long the server keeps old versions; the default where it may not be asked or does not know.

    A mongos keeps no history of its own, and the parameter of the shards cannot be read through it.
    """
    from pymongo.errors import OperationFailure

    admin = connections.client().admin
    with wrapped("asking for the history window of snapshots"):
        if (await admin.command("hello")).get("msg") == "isdbgrid":
            return DEFAULT_WINDOW_S
        try:
            return window_of(await admin.command({"getParameter": 1, PARAMETER: 1}))
        except OperationFailure as error:
            if error.code in {*PERMISSION_CODES, INVALID_OPTIONS}:
                return DEFAULT_WINDOW_S
            raise


async def forecast_of(connections: Connections, size_bytes: int, largest: str | None) -> Forecast:
    """Forecast reading the database in a snapshot; the first batches of its largest collection tell the rate."""
    window_s = await history_window_s(connections)
    cautious = forecast(size_bytes, CAUTIOUS_BYTES_PER_S, window_s)
    if cautious.fits or largest is None:
        return cautious
    return forecast(size_bytes, await measured_rate(connections, largest), window_s)


async def measured_rate(connections: Connections, collection: str) -> float:
    """Return how many bytes of a collection are read, summed and packed in a second, told by its first batches."""
    tally, packing = Tally(), zlib.compressobj(1)

    def work(batch: bytes) -> None:
        tally.add_batch(batch)
        packing.compress(batch)

    total, began = 0, time.monotonic()
    try:
        async with aclosing(batches(connections, collection)) as reader:
            async for batch in reader:
                await asyncio.to_thread(work, batch)
                total += len(batch)
                if total >= SAMPLE_BYTES or time.monotonic() - began >= SAMPLE_S:
                    break
    except CursorLost:
        return CAUTIOUS_BYTES_PER_S
    return total / (time.monotonic() - began) if total else CAUTIOUS_BYTES_PER_S
