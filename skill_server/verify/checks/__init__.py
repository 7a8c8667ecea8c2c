"""The checks, found by listing this folder: a module `name` holds `DEPTH` and `async def name(context)`."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

Check = Callable[[Context], Awaitable[CheckResult | None]]


def discovered() -> list[tuple[str, Depth, Check]]:
    """Return every check with the depth from which it runs, by name."""
    found: list[tuple[str, Depth, Check]] = []
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found.append((module.name, loaded.DEPTH, getattr(loaded, module.name)))
    return found
