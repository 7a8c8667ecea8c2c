"""The status says what is hidden and not deleted: which revision hid it, since when, and how large it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skill_server import changes
from skill_server.application import detecting, generating, planning
from skill_server.application.application import Application
from skill_server.application.status import Retired, read_status
from skill_server.backends.base import RunPolicy
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.plan import build
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.support.project import a_project
from tests.support.refusals import call

Sizes = dict[BackendKind, tuple[int, int]]


async def applied(app: Application, *asked: Change) -> tuple[Plan, Event]:
    """Apply changes without the gates, which are no part of what is asked here, and record it as a run does."""
    session = await app.session(None)
    await generating.generate(
        session, summary="Drop", reason="Unused.", changes=asked, not_applicable={}, acknowledged={}
    )
    plan = (await planning.propose_upgrade(await app.session(None), "head")).plan
    return plan, await ran(app, plan)


async def ran(app: Application, plan: Plan) -> Event:
    """Carry a plan out and write its outcome to the ledger."""
    session = await app.session(None)
    assert (await saga.carry_out(session.pair, plan, RunPolicy())).ending is Ending.APPLIED
    assert plan.revision
    bound: dict[str, str] = {
        "plan": plan.id,
        "kind": plan.kind,
        "revision": plan.revision,
        "subject": plan.subject,
    }
    body: dict[str, Any] = {"result": "applied", "after": await session.pair.fingerprints()}
    return await session.target.ledger.record(EventKind.OUTCOME, bound=bound, body=body)


def sizes(found: tuple[Retired, ...], words: str) -> Sizes:
    """Return records and bytes that each database keeps, of the lines that hold these words."""
    told: Sizes = {}
    for kind in BackendKind:
        lines = [item for item in found if item.what.startswith(f"{kind}: ") and words in item.what]
        told[kind] = (sum(item.records for item in lines), sum(item.size_bytes for item in lines))
    return told


async def test_what_a_revision_hid_is_told_with_its_size_until_it_comes_back(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who knows how much is kept, and since when, can decide to finalize."""
    drops = [changes.build("drop_field", entity="items", field=field) for field in ("Price", "ItemDesc")]
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (_, app):
        await detecting.detect_databases(app, None)
        assert (await read_status(await app.session(None))).retired == ()
        plan, outcome = await applied(app, *drops)

        session = await app.session(None)
        found = (await read_status(session)).retired
        kept = {backend.kind: await backend.kept() for backend in session.pair}
        assert {item.revision for item in found} == {plan.revision}
        assert {item.since for item in found} == {outcome.at}
        for field in ("Price", "ItemDesc"):
            told = sizes(found, field)
            # Three of twelve prices and descriptions are null in PostgreSQL, and missing or null in MongoDB.
            assert told[BackendKind.POSTGRES][0] == 9, field
            assert told[BackendKind.MONGODB][0] in (9, 10), field
            assert all(size > 0 for _, size in told.values()), field
        for kind, (records, size) in sizes(found, "").items():
            assert records == sum(thing.records for thing in kept[kind])
            assert size == sum(thing.size_bytes for thing in kept[kind])
        shown = await call(app, "migration_status")
        assert shown.retired_bytes == sum(item["size_bytes"] for item in shown.retired)

        source = await session.pair.fingerprints()
        back = build.downgrade(plan, source=source, policy={})
        assert back.kind is PlanKind.DOWNGRADE
        session = await app.session(None)
        await planning.stored(session, back)
        await ran(app, back)
        assert (await read_status(await app.session(None))).retired == ()
