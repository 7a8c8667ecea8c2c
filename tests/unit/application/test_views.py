"""What a reader sees is harmless, ends, and says what it leaves out."""

from __future__ import annotations

import json

from skill_server.application import views
from skill_server.model.action import RenameField
from skill_server.model.finding import Finding, Severity
from skill_server.model.flow import Assignment, Flow, Function
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Phase, Plan, PlanKind, Statement, Step, TargetIdentity, Way
from skill_server.model.snapshot import Entity, Snapshot

SNAPSHOTS = {
    kind: Snapshot(
        backend=kind, entities=(Entity(name="items", native_name="items", records=7),), fingerprint="f"
    )
    for kind in BackendKind
}


def a_step(number: int, text: str = "ALTER TABLE x") -> Step:
    """Return a step with this statement."""
    way = Way(
        summary=f"step {number}",
        statements=(Statement(text=text, lock=Lock.ACCESS_EXCLUSIVE),),
        hazards=(Hazard.BREAKS_OLD_CODE,),
    )
    action = RenameField(entity="items", field="a", to="b")
    return Step(
        id=f"s{number}",
        backend=BackendKind.POSTGRES,
        entity="items",
        action=action,
        phase=Phase.EXPAND,
        forward=way,
        back=None,
    )


def a_plan(*steps: Step) -> Plan:
    """Return a plan of these steps."""
    return Plan(
        kind=PlanKind.UPGRADE,
        revision="20260101_x",
        subject="s",
        target=TargetIdentity(name="development", environment="development", ledger_id="l"),
        source=dict.fromkeys(BackendKind, "f"),
        steps=steps,
    )


def test_a_step_says_what_runs_whom_it_stops_and_how_much_it_touches() -> None:
    """These are what a person weighs before approving."""
    (step,) = views.plan_view(a_plan(a_step(1)), SNAPSHOTS)["steps"]

    assert step["statements"] == [{"text": "ALTER TABLE x", "lock": "ACCESS EXCLUSIVE"}]
    assert (step["hazards"], step["records_estimate"], step["reversible"]) == (["breaks_old_code"], 7, False)


def test_a_plan_of_any_length_fits_into_a_result() -> None:
    """A result that fills an assistant's context hides the question that the person must answer."""
    view = views.plan_view(a_plan(*(a_step(n, "SELECT 1;" * 5_000) for n in range(200))), SNAPSHOTS)

    assert len(json.dumps(view)) < 10_000
    assert view["steps_total"] == 200
    assert view["steps_omitted"] == 200 - len(view["steps"])
    assert "45000 characters" in view["steps"][0]["statements"][0]["text"]


def test_text_that_could_rewrite_what_is_shown_is_escaped() -> None:
    """A name in a database is chosen by whoever can create one there."""
    hostile = "a\u202eb\x1b[2Jc"

    assert views.statement_text(f"SELECT 1\n{hostile}") == "SELECT 1\na\\u202eb\\u001b[2Jc"
    finding = Finding(rule="r", severity=Severity.NOTE, message=hostile, help="h")
    assert views.finding_views([finding])[0][0]["message"] == "a\\u202eb\\u001b[2Jc"


def test_many_findings_are_counted() -> None:
    """What is left out must be known to be there."""
    finding = Finding(rule="r", severity=Severity.NOTE, message="m" * 150, help="h")
    kept, omitted = views.finding_views([finding] * 500)

    assert len(kept) + omitted == 500
    assert len(json.dumps(kept)) < views.FINDINGS_BYTES + 1_000


def test_one_item_is_shown_however_large() -> None:
    """An empty list would say that there is nothing."""
    assert views.capped([{"x": "y" * 50_000}, {}], 10)[1] == 1


def test_what_a_move_of_values_computes_is_shown_and_escaped() -> None:
    """Its one statement only says that something is computed."""
    source = 'def f(record):\n    return {"b": 1}  # \x1b[2J'
    assignment = Assignment(writes=("b",), formula=Function(name="f", source=source))
    flow = Flow(operation="update", entity="items", kept="k", forward=assignment)
    way = Way(summary="s", statements=(Statement(text="-- in batches: s", flow=flow),))
    (step,) = views.plan_view(a_plan(a_step(1).model_copy(update={"forward": way})), SNAPSHOTS)["steps"]

    assert step["computes"] == ['def f(record):\n    return {"b": 1}  # \\u001b[2J']
    (plain,) = views.plan_view(a_plan(a_step(1)), SNAPSHOTS)["steps"]
    assert "computes" not in plain
