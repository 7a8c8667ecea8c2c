"""A flow without its writes: everything is computed, and what stands in the way is listed by key beforehand."""

from collections.abc import Sequence

from skill_server.backends.pair import Pair
from skill_server.backends.records import Record
from skill_server.model.base import Frozen
from skill_server.model.flow import Assignment, Copy, Flow
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.snapshot import Snapshot
from skill_server.plan import foresee
from skill_server.run import strays
from skill_server.run.computing import Computed, Computing
from skill_server.run.fitting import Fitting
from skill_server.run.making import Making
from skill_server.run.reconcile import keyed
from skill_server.run.sameness import same

_LISTED = 20


class Offence(Frozen):
    """One reason why records of an entity cannot be carried over, in words that follow their count, and first keys."""

    entity: str
    reason: str
    count: int
    keys: tuple[str, ...]


class _Offences:
    def __init__(self, entity: str) -> None:
        self._entity = entity
        self._keys: dict[tuple[str, str], list[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, reason: str, key: str, entity: str | None = None) -> None:
        place = (entity or self._entity, reason)
        self._counts[place] = self._counts.get(place, 0) + 1
        keys = self._keys.setdefault(place, [])
        if len(keys) < _LISTED:
            keys.append(key)

    def all(self) -> tuple[Offence, ...]:
        return tuple(
            Offence(entity=entity, reason=reason, count=count, keys=tuple(self._keys[entity, reason]))
            for (entity, reason), count in self._counts.items()
        )


async def check(pair: Pair, plan: Plan, step: Step, flow: Flow, batch: int = 500) -> tuple[Offence, ...]:
    """Compute everything that a flow would write, and return what stands in its way.

    Raises:
        Refused: the function does not end or is not pure, or an entity or field is missing.
    """
    snapshot = await pair[step.backend].inspect()
    found = _Offences(flow.entity)
    match flow.operation:
        case "update" if flow.forward is not None:
            fitting = Fitting(_foreseen(snapshot, plan, step), flow.entity)
            await _assignment(pair, step.backend, flow, flow.forward, fitting, batch, found)
        case "revert" if flow.backward is not None:
            fitting = Fitting(snapshot, flow.entity)
            await _assignment(pair, step.backend, flow, flow.backward, fitting, batch, found)
            for stray in await strays.found(pair[step.backend].records, plan, step.backend, flow, batch):
                found.add(stray.reason, stray.shown, stray.entity)
        case "copy" if flow.copy_of is not None:
            fitting = Fitting(_foreseen(snapshot, plan, step), flow.entity)
            there = _is_there(snapshot, flow.entity, flow.copy_of)
            await _copy(pair, step.backend, flow, flow.copy_of, fitting, batch, found, there=there)
        case _:
            pass
    return found.all()


def _is_there(snapshot: Snapshot, name: str, copy: Copy) -> bool:
    """Say whether there can be records with these fields before the plan runs."""
    entity = snapshot.entity(name)
    if entity is None:
        return False
    return not snapshot.declares_fields or all(entity.field(field) for field in (*copy.mapping, *copy.key))


def _foreseen(snapshot: Snapshot, plan: Plan, step: Step) -> Snapshot:
    for other in plan.of(step.backend):
        if other.id == step.id:
            break
        snapshot = foresee.after(snapshot, other.action)
    return snapshot


async def _assignment(
    pair: Pair,
    backend: BackendKind,
    flow: Flow,
    assignment: Assignment,
    fitting: Fitting,
    batch: int,
    found: _Offences,
) -> None:
    records = pair[backend].records
    since = flow.kept if flow.operation == "revert" and flow.forward is not None else None
    async with Computing(records, assignment) as computing:
        after: str | None = None
        while True:
            page = await records.page(
                flow.entity,
                computing.reads,
                after=after,
                limit=batch,
                expressions=computing.expressions,
                kept=since,
            )
            todo = [record for record in page if since is None or record.written]
            for computed in await computing.compute(todo):
                if (reason := _reason(computed, fitting)) is not None:
                    found.add(reason, computed.record.shown)
            if len(page) < batch:
                return
            after = page[-1].key


def _reason(computed: Computed, fitting: Fitting) -> str | None:
    if computed.problem is not None:
        return computed.problem
    return None if computed.write is None else fitting.misfit(computed.write)


async def _copy(
    pair: Pair,
    backend: BackendKind,
    flow: Flow,
    copy: Copy,
    fitting: Fitting,
    batch: int,
    found: _Offences,
    *,
    there: bool,
) -> None:
    seen: set[str] = set()
    async with Making(pair, backend, copy) as making:
        async for _, made in making.pages(batch):
            good: list[tuple[str, dict[str, object]]] = []
            for each in made:
                reason = each.problem
                if each.values is not None:
                    reason = fitting.misfit(each.values)
                    identity = keyed(each.values, copy.key)
                    if identity in seen:
                        reason = f"have the same {', '.join(copy.key)} as another one"
                    seen.add(identity)
                    good.append((each.shown, each.values))
                if reason is not None:
                    found.add(reason, each.shown)
            if there and good:
                fields = list(dict.fromkeys([*copy.mapping, *copy.key]))
                first = [values[copy.key[0]] for _, values in good]
                held = await pair[backend].records.find(flow.entity, copy.key[0], first, fields)
                _differing(good, held, copy, found)


def _differing(
    made: Sequence[tuple[str, dict[str, object]]], held: Sequence[Record], copy: Copy, found: _Offences
) -> None:
    by_key = {keyed(record.values, copy.key): record.values for record in held}
    for shown, values in made:
        theirs = by_key.get(keyed(values, copy.key))
        if theirs is not None and not same(values, theirs):
            found.add("are there already with other values", shown)
