"""New values for a page of records: what is looked up, what a function or an expression makes of it."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from skill_server.backends.records import Record, Records
from skill_server.model.flow import Assignment, Expressions, Function, Lookup
from skill_server.run.sameness import canonical
from skill_server.run.sandbox import Sandbox


@dataclass(frozen=True)
class Computed:
    """What becomes of one record: new values, nothing (`write` is None), or a problem in words that follow a count."""

    record: Record
    write: dict[str, Any] | None = None
    problem: str | None = None


class Computing:
    """An assignment over the records of one database; the process of a function lives as long as the block."""

    def __init__(self, records: Records, assignment: Assignment) -> None:
        self._records = records
        self._assignment = assignment
        self._stack = AsyncExitStack()
        formula = assignment.formula
        self._sandbox = Sandbox(formula) if isinstance(formula, Function) else None
        self.expressions = formula if isinstance(formula, Expressions) else None
        own = (assignment.lookup.own,) if assignment.lookup else ()
        self.reads = tuple(dict.fromkeys([*assignment.reads, *own]))

    async def __aenter__(self) -> Self:
        if self._sandbox is not None:
            await self._stack.enter_async_context(self._sandbox)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    @property
    def in_place(self) -> bool:
        """Whether new values come from the old ones of the same fields, so that computing twice is not once."""
        writes = self._assignment.writes
        if any(field in self.reads for field in writes):
            return True
        if self.expressions is None:
            return False
        text = " ".join([*self.expressions.postgres.values(), json.dumps(self.expressions.mongodb)])
        return any(re.search(rf"\b{re.escape(field)}\b", self._outside(text, field)) for field in writes)

    @staticmethod
    def _outside(text: str, field: str) -> str:
        # The keys of the MongoDB half name the fields that are written, not those that are read.
        return text.replace(f'"{field}": ', "")

    async def compute(self, records: Sequence[Record]) -> list[Computed]:
        """Return what becomes of each record."""
        lookup = self._assignment.lookup
        if lookup is None:
            given: list[dict[str, Any] | str | None] = [{} for _ in records]
        else:
            given = await self._looked_up(lookup, records)
        ready = [
            (record, found)
            for record, found in zip(records, given, strict=True)
            if isinstance(found, dict) and record.problem is None
        ]
        made = iter(await self._apply(ready))
        result: list[Computed] = []
        for record, found in zip(records, given, strict=True):
            if record.problem is not None:
                result.append(Computed(record, problem=f"cannot be computed: {record.problem}"))
            elif isinstance(found, str):
                result.append(Computed(record, problem=found))
            else:
                result.append(Computed(record) if found is None else next(made))
        return result

    async def _apply(self, ready: Sequence[tuple[Record, dict[str, Any]]]) -> list[Computed]:
        writes = self._assignment.writes
        if self._sandbox is not None:
            inputs = [
                {**{field: record.values.get(field) for field in self.reads}, **found}
                for record, found in ready
            ]
            answers = await self._sandbox.compute(inputs)
            return [
                _answered(record, answer.values, answer.problem, writes)
                for (record, _), answer in zip(ready, answers, strict=True)
            ]
        if self.expressions is not None:
            return [
                Computed(record, {field: record.computed.get(field) for field in writes})
                for record, _ in ready
            ]
        return [
            Computed(record, {field: {**record.values, **found}.get(field) for field in writes})
            for record, found in ready
        ]

    async def _looked_up(
        self, lookup: Lookup, records: Sequence[Record]
    ) -> list[dict[str, Any] | str | None]:
        wanted = {
            canonical(value): value
            for record in records
            if (value := record.values.get(lookup.own)) is not None
        }
        found = await self._records.find(
            lookup.entity, lookup.theirs, list(wanted.values()), list(lookup.fields)
        )
        by_value: defaultdict[str, list[Record]] = defaultdict(list)
        for theirs in found:
            by_value[canonical(theirs.values.get(lookup.theirs))].append(theirs)
        return [
            _taken(lookup, by_value.get(canonical(record.values.get(lookup.own)), ())) for record in records
        ]


def _taken(lookup: Lookup, found: Sequence[Record]) -> dict[str, Any] | str | None:
    if not found:
        return None
    objects = [{name: one.values.get(field) for field, name in lookup.fields.items()} for one in found]
    if lookup.many is not None:
        return {lookup.many: objects}
    if len(found) > 1:
        return f"find more than one record of {lookup.entity} by {lookup.theirs}"
    return objects[0]


def _answered(record: Record, values: Any, problem: str | None, writes: Sequence[str]) -> Computed:
    if problem is not None:
        return Computed(record, problem=f"make the function fail: it {problem}")
    if set(values) != set(writes):
        got = ", ".join(sorted(values)) or "nothing"
        return Computed(record, problem=f"make the function return {got} instead of {', '.join(writes)}")
    return Computed(record, dict(values))
