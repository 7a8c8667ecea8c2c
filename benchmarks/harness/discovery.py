"""Finding the benchmarks by listing their folder: `areas/<area>/<name>.py`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from types import ModuleType

from benchmarks import areas
from benchmarks.harness.measure import Benchmark


@dataclass(frozen=True)
class Found:
    """A benchmark and where it was found."""

    area: str
    name: str
    benchmark: Benchmark

    def answers_to(self, name: str) -> bool:
        """Say whether it is called so, or measures something that is."""
        return name == self.name or any(bar.id == name for bar in self.benchmark.bars)


def discovered(package: ModuleType = areas) -> tuple[Found, ...]:
    """Return every benchmark of a package, by area and name.

    Raises:
        ValueError: two of them measure something under the same id.
    """
    found = tuple(
        Found(area.name, item.name.replace("_", "-"), module.BENCHMARK)
        for area in pkgutil.iter_modules(package.__path__)
        for item in pkgutil.iter_modules(importlib.import_module(f"{package.__name__}.{area.name}").__path__)
        for module in [importlib.import_module(f"{package.__name__}.{area.name}.{item.name}")]
    )
    ids = [bar.id for item in found for bar in item.benchmark.bars]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"measured twice: {', '.join(twice)}")
    return found
