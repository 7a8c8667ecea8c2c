"""A MongoDB command that runs code on the server, or writes somewhere by way of a query."""

from collections.abc import Iterator, Mapping
from typing import cast

from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.snapshot import Snapshot

# `$out` and `$merge` write wherever they are told to, past the journal (MongoDB manual, aggregation stages).
REFUSED = frozenset(
    {"$where", "$function", "$accumulator", "$out", "$merge", "mapReduce", "mapreduce", "$eval", "eval"}
)


def server_side_javascript(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Stop every command, forward and back, that holds such an operator at any depth."""
    for step in plan.of(BackendKind.MONGODB):
        for operator in sorted(set(_operators(step)) & REFUSED):
            yield Finding(
                rule="server-side-javascript",
                severity=Severity.ERROR,
                backend=step.backend,
                step=step.id,
                name=operator,
                message=f"a command uses {operator}, which runs code on the server or writes past the journal",
                help="Ask for the change in other words; a command like this is never run.",
            )


def _operators(step: Step) -> Iterator[str]:
    pending: list[object] = []
    for way in (step.forward, step.back):
        if way is not None:
            pending += [statement.command for statement in way.statements]
            pending += [probe.statement.command for probe in (*way.before, *way.after)]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            mapping = cast("dict[str, object]", part)
            yield from mapping
            pending += mapping.values()
        elif isinstance(part, list | tuple):
            pending += cast("list[object]", part)
