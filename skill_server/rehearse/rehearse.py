"""Rehearse a plan on copies restored from the backup."""

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from skill_server.approve.question import shown
from skill_server.backends.base import Progress, RunPolicy, no_progress
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.backends.sealing import Seal
from skill_server.backup import scratch
from skill_server.errors import MigrationError
from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.measure import measures
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Checksums
from skill_server.model.snapshot import Snapshot
from skill_server.plan import build
from skill_server.rehearse.forecast import Forecast, Sizes, StepCost, forecast, locks_held, sizes
from skill_server.rehearse.report import Act, RehearsalReport, TestOutcome
from skill_server.run import saga
from skill_server.run.saga import Ending

# Given the copies' names, run the project's tests against each backend.
ProjectTests = Callable[[Mapping[BackendKind, str]], Awaitable[tuple[TestOutcome, ...]]]


class _Curtain(Exception):
    """An act failed, so the later ones make no sense."""


class Rehearsal:
    """One rehearsal: the copies, the plan, and the acts so far."""

    def __init__(
        self, copies: Pair, plan: Plan, policy: RunPolicy, live: Mapping[BackendKind, Snapshot]
    ) -> None:
        self._copies = copies
        self._live = live
        self._plan = plan
        self._policy = policy
        self._touched = frozenset(plan.touched)
        self._watched: dict[BackendKind, Snapshot] = {}
        self.acts: list[Act] = []
        self.after: dict[BackendKind, str] = {}
        self.costs: tuple[StepCost, ...] = ()
        self.forecast: Forecast | None = None

    async def play(self, progress: Progress) -> None:
        """Play every act in order, stopping at the first that fails."""
        try:
            await self._play(progress)
        except _Curtain:
            return

    async def _play(self, progress: Progress) -> None:
        copies, plan = self._copies, self._plan
        before = await copies.checksums()
        self._watched = await copies.inspect()
        small = _exact(self._watched, before)
        async with self._act("upgrade") as problems:
            await saga.check_before(copies, plan)
            problems.extend(await self._carried_out(plan, stage(progress, begin=0, end=30)))
        up = await copies.checksums()
        snapshots = await copies.inspect()
        self.after = {kind: snapshot.fingerprint for kind, snapshot in snapshots.items()}
        await self._reckon(small, snapshots)
        async with self._act("untouched content is equal") as problems:
            problems.extend(self._differences(before, up, self._touched))
        async with self._act("a second upgrade changes nothing") as problems:
            problems.extend(await self._carried_out(plan, stage(progress, begin=30, end=40)))
            problems.extend(self._differences(up, await copies.checksums()))
            problems.extend(self._drift(self.after, await copies.fingerprints()))
        if any(step.back is None for step in plan.steps):
            return
        back = build.downgrade(plan, source=self.after, policy=plan.policy)
        async with self._act("downgrade") as problems:
            await saga.check_before(copies, back)
            problems.extend(await self._carried_out(back, stage(progress, begin=40, end=70)))
        async with self._act("downgrade gave back schema and content") as problems:
            problems.extend(self._differences(before, await copies.checksums()))
            problems.extend(self._drift(plan.source, await copies.fingerprints()))
        await saga.forget(copies, plan)
        async with self._act("upgrade once more") as problems:
            problems.extend(await self._carried_out(plan, stage(progress, begin=70, end=100)))
            problems.extend(self._drift(self.after, await copies.fingerprints()))
            problems.extend(self._differences(up, await copies.checksums()))

    async def _reckon(
        self, before: Mapping[BackendKind, Sizes], snapshots: Mapping[BackendKind, Snapshot]
    ) -> None:
        """Read from the marks what the upgrade cost, and say what that means for the live databases."""
        taken = {copy.kind: measures(await copy.journal.marks(self._plan.id)) for copy in self._copies}
        self.costs = tuple(
            StepCost(
                step=step.id, backend=step.backend, entity=step.entity, measure=taken[step.backend][step.id]
            )
            for step in self._plan.steps
            if step.id in taken[step.backend]
        )
        live = {kind: sizes(snapshot) for kind, snapshot in self._live.items()}
        after = {kind: sizes(snapshot) for kind, snapshot in snapshots.items()}
        self.forecast = forecast(self.costs, before, live, after)

    async def _carried_out(self, plan: Plan, progress: Progress) -> list[str]:
        report = await saga.carry_out(self._copies, plan, self._policy, progress)
        return [] if report.ending is Ending.APPLIED else [report.problem or str(report.ending)]

    @asynccontextmanager
    async def _act(self, name: str) -> AsyncGenerator[list[str]]:
        began = time.monotonic()
        problems: list[str] = []
        try:
            yield problems
        except MigrationError as error:
            problems.append(f"{error.code}: {error.message}")
        self.acts.append(
            Act(
                name=name,
                passed=not problems,
                seconds=round(time.monotonic() - began, 3),
                problems=tuple(problems[:20]),
            )
        )
        if problems:
            raise _Curtain

    def _differences(
        self,
        before: Mapping[BackendKind, Checksums],
        after: Mapping[BackendKind, Checksums],
        touched: frozenset[str] = frozenset(),
    ) -> list[str]:
        """Return what differs, without what triggers are known to write, and say whether they may have written it."""
        beside = {kind: self._plan.written_beside(snapshot) for kind, snapshot in self._watched.items()}
        found = [
            item
            for item in content.compare(before, after, touched=touched)
            if item.entity not in beside[item.backend]
        ]
        suspects = [shown(name) for name in content.suspects(found, self._watched)]
        if not suspects:
            return [str(item) for item in found]
        return [
            f"the event triggers {', '.join(suspects[:5])} run at every change of the schema and may have written "
            "this: name the entities that they write to in policy.written_by_triggers, or disable them meanwhile",
            *(str(item) for item in found),
        ]

    @staticmethod
    def _drift(expected: Mapping[BackendKind, str], found: Mapping[BackendKind, str]) -> list[str]:
        return [
            f"{kind}: the schema is not the expected one"
            for kind in BackendKind
            if expected[kind] != found[kind]
        ]


async def rehearse(
    pair: Pair,
    plan: Plan,
    *,
    label: str,
    backups: Path,
    policy: RunPolicy,
    tests: ProjectTests | None,
    servers: Pair | None = None,
    live: Mapping[BackendKind, Snapshot] | None = None,
    seal: Seal | None = None,
    progress: Progress = no_progress,
) -> RehearsalReport:
    """Play the plan on fresh copies of the proven backup and drop the copies.

    The copies are made on `servers`, by default those of `pair`; `live` tells how large the entities are now, `seal`
    opens an encrypted backup.

    Raises:
        Refused: a copy is a live database, or a live one is marked as a copy (`copy-is-live`).
    """
    servers = servers or pair
    await scratch.require_unmarked(pair)
    await scratch.require_apart(pair, servers)
    # What is there under our name and for this purpose was left by a rehearsal that died.
    await scratch.sweep(servers, plan.target, purposes=(scratch.REHEARSAL,))
    names = scratch.names(plan.target, scratch.REHEARSAL, secrets.token_hex(4))
    copies = servers.at(names)
    templates = scratch.template_names(plan.target, label)
    try:
        for backend in copies:
            if templates[backend.kind] in await backend.scratch():
                # Others work on a production server, but nobody on one that was set aside for rehearsals.
                shared = servers[backend.kind] is pair[backend.kind]
                gently = shared and plan.target.environment == "production"
                await backend.copy_from(templates[backend.kind], gently=gently)
            else:
                await backend.load(backups / label / backend.kind, no_progress, seal=seal)
        await scratch.require_copies(await pair.identities(), copies)
        rehearsal = Rehearsal(copies, plan, policy, await pair.inspect() if live is None else live)
        await rehearsal.play(stage(progress, begin=10, end=80))
        outcomes: tuple[TestOutcome, ...] = ()
        if (
            tests is not None
            and all(act.passed for act in rehearsal.acts)
            and plan.kind is not PlanKind.FINALIZE
        ):
            for backend in copies:
                # An application that makes its indexes at its start must find them as they will be.
                await backend.let_expire()
            outcomes = await tests(names)
        held = sorted(locks_held(rehearsal.costs), key=lambda lock: -lock.held_s)
        return RehearsalReport(
            acts=tuple(rehearsal.acts),
            after=rehearsal.after,
            tests=outcomes,
            costs=rehearsal.costs,
            locks=tuple(held),
            forecast=rehearsal.forecast,
        )
    finally:
        for backend in copies:
            if backend.database in await backend.scratch():
                await backend.drop()


def _exact(
    snapshots: Mapping[BackendKind, Snapshot], counted: Mapping[BackendKind, Checksums]
) -> dict[BackendKind, Sizes]:
    """Return the sizes of the copies with their counted records, which a database just restored cannot estimate."""
    return {
        kind: sizes(snapshot).model_copy(
            update={"records": {name: found.records for name, found in counted[kind].entities.items()}}
        )
        for kind, snapshot in snapshots.items()
    }
