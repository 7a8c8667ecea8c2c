"""The preconditions, found by listing this folder: a module `name` holds `DUTY`, `TITLE` and `async def name(...)`."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict
from skill_server.model.plan import Plan

Ask = Callable[[Plan | None, Evidence], Awaitable[Verdict]]


@dataclass(frozen=True)
class Precondition:
    """One line of the checklist and the question that decides it."""

    id: str
    duty: str
    title: str
    ask: Ask


def discovered() -> dict[str, Precondition]:
    """Return every precondition by its id, which is its module's name."""
    found: dict[str, Precondition] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found[module.name] = Precondition(
            id=module.name, duty=loaded.DUTY, title=loaded.TITLE, ask=getattr(loaded, module.name)
        )
    return found
