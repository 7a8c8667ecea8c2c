"""Running steps: each operation is idempotent, and its mark is written after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, assert_never

from skill_server.backends.base import Progress, RunPolicy
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.failures import patiently, wrapped
from skill_server.backends.mongo.operations import (
    collections,
    convert_values,
    rename_values,
    restore_values,
    retire_values,
    revert_values,
    run_raw,
)
from skill_server.backends.mongo.operations.catalog import (
    create_index,
    describe_field,
    drop_index,
    edit_rules,
)
from skill_server.backends.mongo.operations.operations import (
    ConvertValues,
    CreateCollection,
    CreateIndex,
    DescribeField,
    DropIndex,
    DropKept,
    EditRules,
    KeepCollection,
    RenameCollection,
    RenameValues,
    RestoreValues,
    RetireValues,
    RevertValues,
    RunCommand,
    read_change,
)
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.backends.mongo.run.journal import DONE, RUNNING, MongoJournal
from skill_server.errors import InDoubt, Refused
from skill_server.model.measure import Batches
from skill_server.model.plan import Step

Catalog = (
    DescribeField
    | EditRules
    | CreateIndex
    | DropIndex
    | CreateCollection
    | KeepCollection
    | RenameCollection
    | DropKept
)
Operation = RenameValues | RetireValues | RestoreValues | ConvertValues | RevertValues | Catalog


async def run(
    connections: Connections, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress
) -> None:
    """Run steps forward one after the other, skipping those whose mark says done.

    Raises:
        Failed: the server refused an operation; what was done stays done, and the marks say what that is.
        InDoubt: an answer was lost, or the server went away half-way.
    """
    journal = MongoJournal(connections)
    marks = await journal.marks(plan_id)
    for number, step in enumerate(steps):
        mark = marks.get(step.id)
        if mark is not None and mark.state == DONE:
            continue
        first = int(mark.detail.get("statement", 0)) if mark is not None else 0
        try:
            with wrapped(f"running step {step.id}", writes=True):
                await _step(connections, journal, plan_id, step, first, policy, progress)
        except Refused as refusal:
            if refusal.code != "server-unreachable":
                raise
            # `Refused` would promise that nothing was touched, which is no longer known here.
            raise InDoubt(
                "write-outcome-unknown",
                f"the MongoDB server went away while running step {step.id}",
                help="Ask migration_status what was applied before running anything again.",
                next_tool="migration_status",
            ) from refusal
        await progress(number + 1, len(steps), step.forward.summary)


async def _step(
    connections: Connections,
    journal: MongoJournal,
    plan_id: str,
    step: Step,
    first: int,
    policy: RunPolicy,
    progress: Progress,
) -> None:
    batches = Batches(time.monotonic())
    gone_over: list[int] = []
    for number, statement in enumerate(step.forward.statements):
        if number < first:
            continue

        async def border(records: int, *, number: int = number) -> None:
            batches.ended(time.monotonic())
            gone_over.append(records)
            await journal.put(plan_id, step.id, RUNNING, {"statement": number, "records": records})
            await progress(records, None, step.forward.summary)

        async def mark(session: Any, *, number: int = number) -> None:
            await journal.put_in(session, plan_id, step.id, RUNNING, {"statement": number + 1})

        # The mark goes from statement to statement, so that a resumed step never converts what it brought back before.
        await journal.put(plan_id, step.id, RUNNING, {"statement": number})
        operation = read_change(statement.command)
        if isinstance(operation, RunCommand):
            await run_raw.run(operation, connections, mark)
        else:
            await _change(operation, Passes(connections, policy.batch_records, border))
    # The longest pass goes over all documents; a later one meets some of them again. Locks are not measured: the server
    # holds them for single documents and for the moment of a catalog change, and tells nobody afterwards.
    measure = batches.measure(time.monotonic(), max(gone_over, default=None))
    await journal.put(plan_id, step.id, DONE, measure.detail())


async def _change(operation: Operation, passes: Passes) -> None:
    match operation:
        case RenameValues():
            await rename_values.run(operation, passes)
        case RetireValues():
            await retire_values.run(operation, passes)
        case RestoreValues():
            await restore_values.run(operation, passes)
        case ConvertValues():
            await convert_values.run(operation, passes)
        case RevertValues():
            await revert_values.run(operation, passes)
        case _:
            async for attempt in patiently():
                with attempt:
                    await _catalog(operation, passes.connections)


async def _catalog(operation: Catalog, connections: Connections) -> None:
    database: Any = connections.db()
    match operation:
        case DescribeField():
            await describe_field(database, operation)
        case EditRules():
            await edit_rules(database, operation)
        case CreateIndex():
            await create_index(connections, operation.collection, ejson.loads(operation.definition_json))
        case DropIndex():
            await drop_index(database, operation)
        case CreateCollection():
            await collections.create(connections, operation)
        case KeepCollection():
            await collections.keep(connections, operation)
        case RenameCollection():
            await collections.rename(connections, operation)
        case DropKept() if operation.keep_bad:
            await database[operation.kept].delete_many({"bad": {"$exists": False}})
        case DropKept():
            await database.drop_collection(operation.kept)
        case _:
            assert_never(operation)
