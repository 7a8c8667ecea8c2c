"""Values that were written where a change had moved them, and that no record can take back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from skill_server.backends.records import Record, Records
from skill_server.model.flow import Flow, Homes, Lookup
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.run.sameness import canonical


@dataclass(frozen=True)
class Stray:
    """A record whose values cannot go back: its entity, its key, and why, in words that follow a count of records."""

    entity: str
    shown: str
    reason: str


async def found(records: Records, plan: Plan, backend: BackendKind, flow: Flow, batch: int) -> list[Stray]:
    """Return what was written where the flow looks values up, and would be left there by the way back."""
    lookup = flow.backward.lookup if flow.operation == "revert" and flow.backward is not None else None
    if lookup is None or lookup.homes is None:
        return []
    result: list[Stray] = []
    since = _since(plan, backend, lookup)
    fields = list(dict.fromkeys([lookup.theirs, *lookup.fields]))
    after: str | None = None
    while True:
        page = await records.page(lookup.entity, fields, after=after, limit=batch, kept=since)
        written = [record for record in page if record.written]
        takers = await _takers(records, flow.entity, lookup, lookup.homes, written)
        for record in written:
            mine = takers[canonical(record.values.get(lookup.theirs))]
            reasons = _reasons(flow, lookup, lookup.homes, record, mine)
            result += [Stray(lookup.entity, record.shown, reason) for reason in reasons]
        if len(page) < batch:
            return result
        after = page[-1].key


def _since(plan: Plan, backend: BackendKind, lookup: Lookup) -> str | None:
    """Return the store that tells what the upgrade itself had written there."""
    for move in (step.forward.flow for step in plan.of(backend)):
        if move is None or move.forward is None or move.entity != lookup.entity:
            continue
        if set(lookup.fields) <= set(move.forward.writes):
            return move.kept
    return None


async def _takers(
    records: Records, entity: str, lookup: Lookup, homes: Homes, written: Sequence[Record]
) -> defaultdict[str, list[Record]]:
    values = [value for record in written if (value := record.values.get(lookup.theirs)) is not None]
    fields = [homes.key] if homes.key is not None else []
    result: defaultdict[str, list[Record]] = defaultdict(list)
    if values:
        for taker in await records.find(entity, lookup.own, values, fields):
            result[canonical(taker.values.get(lookup.own))].append(taker)
    return result


def _reasons(
    flow: Flow, lookup: Lookup, homes: Homes, record: Record, takers: Sequence[Record]
) -> Iterator[str]:
    if homes.each is None or homes.key is None:
        if not takers and any(record.values.get(field) is not None for field in lookup.fields):
            yield (
                f"cannot give {', '.join(lookup.fields)} back: "
                f"the {lookup.own} of no record of {flow.entity} is their {lookup.theirs}"
            )
        return
    objects = _objects(record.values.get(homes.each))
    if objects is None:
        yield f"hold something else than a list of objects in {homes.each}"
        return
    known = {canonical(taker.values.get(homes.key)) for taker in takers}
    held = [canonical(each.get(homes.key)) for each in objects]
    if set(held) - known or len(set(held)) < len(held):
        yield f"hold objects in {homes.each} that no record of {flow.entity} is"
    if known - set(held):
        yield f"no longer hold objects in {homes.each} that are records of {flow.entity}"
    if any(set(each) - set(homes.members) for each in objects):
        yield f"hold objects in {homes.each} with members that do not go back to {flow.entity}"


def _objects(value: Any) -> list[dict[str, Any]] | None:
    if value is None:
        return []
    parts = cast("list[dict[str, Any]]", value) if isinstance(value, list) else [None]
    return cast("list[dict[str, Any]]", parts) if all(type(part) is dict for part in parts) else None
