"""Carries out a flow on the pair: batches that may be repeated, a mark before and after, nothing done twice."""

import time

from skill_server.backends.base import Progress, RunPolicy
from skill_server.backends.pair import Pair
from skill_server.errors import Failed
from skill_server.model.base import JsonObject
from skill_server.model.flow import Copy, Flow
from skill_server.model.measure import Batches, StepMeasure
from skill_server.model.plan import Step
from skill_server.run import passes, reconcile
from skill_server.run.making import Making

RUNNING, DONE = "running", "done"
# Where a revert stands once nothing is carried over any more; records that got their old values must not be again.
_STAGE = "stage"
_RESTORE = "restore"


async def run(
    pair: Pair, plan_id: str, step: Step, flow: Flow, policy: RunPolicy, progress: Progress
) -> None:
    """Carry out a step's flow, or do nothing where its mark says done.

    Raises:
        Failed: `value-not-computed`, `field-still-written`, `records-differ`, or what a backend refused to write.
        Refused: the function was stopped or is not pure; what was written so far is undone by the way back.
    """
    journal = pair[step.backend].journal
    mark = (await journal.marks(plan_id)).get(step.id)
    if mark is not None and mark.state == DONE:
        return
    detail: JsonObject = mark.detail if mark is not None else {}
    await journal.put(plan_id, step.id, RUNNING, detail)
    measure = await _Run(pair, plan_id, step, flow, policy, progress).operate(detail)
    await journal.put(plan_id, step.id, DONE, measure.detail())


class _Run:
    """One run of one flow."""

    def __init__(
        self, pair: Pair, plan_id: str, step: Step, flow: Flow, policy: RunPolicy, progress: Progress
    ) -> None:
        self._pair = pair
        self._plan_id = plan_id
        self._step = step
        self._flow = flow
        self._backend = pair[step.backend]
        self._batch = policy.batch_records
        self._progress = progress
        self._seen = 0
        self._batches = Batches(time.monotonic())
        self._total: float | None = None

    async def operate(self, detail: JsonObject) -> StepMeasure:
        """Carry out the operation and return what it cost."""
        flow = self._flow
        match flow.operation:
            case "update":
                if flow.forward is not None:
                    await self._estimate()
                    await passes.forward(self._backend, flow, flow.forward, self._batch, self._border)
            case "revert":
                await self._revert(restoring=detail.get(_STAGE) == _RESTORE)
            case "copy":
                await self._copy(_copy_of(flow))
            case "withdraw":
                await self._backend.records.withdraw(flow.entity, flow.kept, self._batch)
        return self._batches.measure(time.monotonic(), self._seen or None)

    async def _revert(self, *, restoring: bool) -> None:
        flow, records = self._flow, self._backend.records
        if flow.backward is not None and not restoring:
            await self._estimate()
            await passes.backward(self._backend, flow, flow.backward, self._batch, self._border)
            await self._backend.journal.put(self._plan_id, self._step.id, RUNNING, {_STAGE: _RESTORE})
        if flow.forward is not None:
            await records.revert(flow.entity, flow.kept, flow.forward.writes, self._batch)
        if flow.backward is not None:
            await records.release(flow.entity, passes.carried(flow), None)

    async def _copy(self, copy: Copy) -> None:
        flow = self._flow
        for _ in range(passes.MOST_PASSES):
            if await self._insert(copy) == 0:
                break
        else:
            raise Failed(
                "field-still-written",
                f"{copy.entity} got new records in each of {passes.MOST_PASSES} passes",
                help="Run again while the application makes no records there.",
            )
        report = await reconcile.reconcile(self._pair, self._step.backend, flow.entity, copy, self._batch)
        if report.differences:
            raise Failed(
                "records-differ",
                f"{report.differing} records of {flow.entity} are not what {copy.entity} says: "
                + "; ".join(report.differences[:5]),
                help="Correct or remove these records, or leave them out of the copy.",
                detail={"differences": list(report.differences)},
            )

    async def _insert(self, copy: Copy) -> int:
        inserted = 0
        async with Making(self._pair, self._step.backend, copy) as making:
            self._total = making.estimate or None
            async for read, made in making.pages(self._batch):
                for each in made:
                    if each.problem is not None:
                        raise Failed(
                            "value-not-computed",
                            f"no record can be made of {each.shown}: records of {copy.entity} {each.problem}",
                            help="Mend the record or the mapping.",
                            detail={"record": each.shown},
                        )
                values = [each.values for each in made if each.values is not None]
                for begin in range(0, len(values), self._batch):
                    part = values[begin : begin + self._batch]
                    inserted += await self._backend.records.insert(
                        self._flow.entity, self._flow.kept, copy.key, part
                    )
                await self._border(read)
        return inserted

    async def _estimate(self) -> None:
        entity = (await self._backend.inspect()).entity(self._flow.entity)
        self._total = entity.records or None if entity is not None else None

    async def _border(self, read: int) -> None:
        self._seen += read
        self._batches.ended(time.monotonic())
        # A later pass reads the same records again, and the estimate may be old.
        total = None if self._total is None else max(self._total, self._seen)
        await self._progress(self._seen, total, self._step.forward.summary)


def _copy_of(flow: Flow) -> Copy:
    if flow.copy_of is None:
        raise Failed(
            "flow-not-understood",
            f"a copy into {flow.entity} does not say where its records come from",
            help="Plan the migration again.",
        )
    return flow.copy_of
