"""What a plan would do to those who use the databases, said by small rules; each rule is a file in `rules`."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot
from skill_server.review import rules

Snapshots = Mapping[BackendKind, Snapshot]
Rule = Callable[[Plan, Snapshots], Iterator[Finding]]

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@cache
def catalogue() -> dict[str, Rule]:
    """Return every rule by its id."""
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(rules.__path__):
        rule: Rule = getattr(importlib.import_module(f"{rules.__name__}.{module.name}"), module.name)
        found[module.name.replace("_", "-")] = rule
    return found


def review(plan: Plan, snapshots: Snapshots | None = None) -> tuple[Finding, ...]:
    """Return what all rules find in a plan, errors first.

    `snapshots` tell how large entities are; without one, an entity counts as large.
    """
    found = [finding for rule in catalogue().values() for finding in rule(plan, snapshots or {})]
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))
