"""A flow is asked about early unless what it reads is made first, in the database where it reads it."""

from __future__ import annotations

import pytest

from skill_server.model.action import Action, AddField, CopyRecords, UpdateValues
from skill_server.model.flow import Assignment, Copy, Flow
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.plan import Phase, Statement, Step, Way
from skill_server.run.asking import asks_after
from tests.golden.plans import HERE, golden_plan

POSTGRES, MONGODB = BackendKind.POSTGRES, BackendKind.MONGODB
UPDATE = Assignment(writes=("b",), reads=("a",))


def a_step(backend: BackendKind, action: Action, flow: Flow | None = None) -> Step:
    """Return a step of an action, carried out by a flow where there is one."""
    way = Way(summary="s", statements=(Statement(text="t", flow=flow),))
    return Step(
        id=f"{backend}-{action.kind}",
        backend=backend,
        entity=action.entity,
        action=action,
        phase=Phase.EXPAND,
        forward=way,
        back=None,
    )


def a_copy(database: BackendKind | None) -> Step:
    """Return a copy of `items` into PostgreSQL, out of that database."""
    copy = Copy(entity="items", mapping={"x": "a"}, key=("x",), database=database)
    action = CopyRecords(entity="others", copy_of=copy)
    return a_step(POSTGRES, action, Flow(operation="copy", entity="others", kept="k", copy_of=copy))


def an_update() -> Step:
    """Return a computation in PostgreSQL."""
    action = UpdateValues(entity="items", forward=UPDATE)
    return a_step(POSTGRES, action, Flow(operation="update", entity="items", kept="k", forward=UPDATE))


@pytest.mark.parametrize(
    ("step", "made_in", "late"),
    [
        (an_update(), POSTGRES, True),
        (an_update(), MONGODB, False),
        (a_copy(None), POSTGRES, True),
        (a_copy(None), MONGODB, False),
        (a_copy(MONGODB), POSTGRES, False),
        (a_copy(MONGODB), MONGODB, True),
    ],
)
def test_a_flow_waits_for_what_is_made_where_it_reads(step: Step, made_in: BackendKind, late: bool) -> None:
    """All that can be asked is asked before anything runs, and nothing is asked about a field that is not there."""
    made = a_step(made_in, AddField(entity="items", field="a", type=parse("Text")))

    assert asks_after(step, [made], golden_plan(HERE / "copy_records")) is late
