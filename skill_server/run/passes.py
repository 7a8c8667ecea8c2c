"""Updating the records of an entity in batches: pass after pass, until one finds nothing left to write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from skill_server.backends.base import Backend
from skill_server.backends.records import Edit, Record
from skill_server.errors import Failed
from skill_server.model.flow import Assignment, Flow
from skill_server.run.computing import Computed, Computing
from skill_server.run.sameness import same

MOST_PASSES = 20
# Told how many records were read, in how many batches nothing else is open.
Border = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Store:
    """Which stores a pass asks and fills.

    `kept` gets the old values; a record that still holds what it remembers is done where `in_place`. `base` limits the
    pass to the records that somebody wrote to since that store was filled.
    """

    kept: str | None = None
    base: str | None = None
    in_place: bool = False


async def forward(backend: Backend, flow: Flow, assignment: Assignment, batch: int, border: Border) -> None:
    """Write the new values of an update, keeping the old ones."""
    async with Computing(backend.records, assignment) as computing:
        await backend.records.keep(flow.kept, flow.entity, assignment.writes)
        store = Store(kept=flow.kept, in_place=computing.in_place)
        await _until_quiet(backend, flow.entity, assignment, computing, store, batch, border)


async def backward(backend: Backend, flow: Flow, assignment: Assignment, batch: int, border: Border) -> None:
    """Carry over what was written since the update, so that the fields of before hold it."""
    async with Computing(backend.records, assignment) as computing:
        base = flow.kept if flow.forward is not None else None
        # Computed from itself, a value tells nothing of whether it was carried over yet; a store of its own does.
        kept = carried(flow) if computing.in_place else None
        if kept is not None:
            await backend.records.keep(kept, flow.entity, assignment.writes)
        store = Store(kept=kept, base=base, in_place=computing.in_place)
        await _until_quiet(backend, flow.entity, assignment, computing, store, batch, border)


def carried(flow: Flow) -> str:
    """Return the store that remembers which records were carried over."""
    return f"{flow.kept}_back"


async def _until_quiet(
    backend: Backend,
    entity: str,
    assignment: Assignment,
    computing: Computing,
    store: Store,
    batch: int,
    border: Border,
) -> None:
    for _ in range(MOST_PASSES):
        written = 0
        after: str | None = None
        while True:
            page = await _page(backend, entity, assignment, computing, store, after, batch)
            written += await _write(backend, entity, assignment, computing, store, page)
            await border(len(page))
            if len(page) < batch:
                break
            after = page[-1].key
        if written == 0:
            return
    raise Failed(
        "field-still-written",
        f"{', '.join(assignment.writes)} of {entity} was written to by others in each of {MOST_PASSES} passes",
        help="Run again while the application does not write to these fields.",
    )


async def _page(
    backend: Backend,
    entity: str,
    assignment: Assignment,
    computing: Computing,
    store: Store,
    after: str | None,
    batch: int,
) -> list[Record]:
    fields = list(dict.fromkeys([*computing.reads, *assignment.writes]))
    return await backend.records.page(
        entity,
        fields,
        after=after,
        limit=batch,
        expressions=computing.expressions,
        kept=store.base or store.kept,
    )


async def _write(
    backend: Backend,
    entity: str,
    assignment: Assignment,
    computing: Computing,
    store: Store,
    page: list[Record],
) -> int:
    todo = page
    if store.base is not None or store.in_place:
        todo = [record for record in page if record.written]
    if store.base is not None and store.kept is not None:
        todo = await _not_done(backend, entity, store.kept, todo)
    edits = [
        edit
        for computed in await computing.compute(todo)
        if (edit := _edit(computed, assignment, remember=store.kept is not None)) is not None
    ]
    if not edits:
        return 0
    if store.base is not None and store.kept is not None:
        # First, because what the carrying writes could be just what the update had written.
        await backend.records.release(entity, store.base, [edit.key for edit in edits])
    return await backend.records.update(entity, store.kept, edits)


async def _not_done(backend: Backend, entity: str, kept: str, records: list[Record]) -> list[Record]:
    done = await backend.records.unchanged(entity, kept, [record.key for record in records])
    return [record for record in records if record.key not in done]


def _edit(computed: Computed, assignment: Assignment, *, remember: bool) -> Edit | None:
    record = computed.record
    if computed.problem is not None:
        raise Failed(
            "value-not-computed",
            f"the record {record.shown} cannot be given {', '.join(assignment.writes)}: records {computed.problem}",
            help="Mend the record or the formula.",
            detail={"record": record.shown},
        )
    new = computed.write
    if new is None or same(new, record.values):
        if not (remember and record.written):
            return None
        # Remembered as it is, so that the way back can tell that nobody wrote to it.
        new = {field: record.values[field] for field in assignment.writes if field in record.values}
    return Edit(key=record.key, read=record.values, write=new)
