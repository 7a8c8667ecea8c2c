"""Small plans for the tests of rules."""

from typing import Any

from skill_server.model.action import Action, AddField
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.plan import Phase, Plan, PlanKind, Probe, Statement, Step, TargetIdentity, Way

ACTION = AddField(entity="items", field="condition", type=parse("Text"))
PLAIN = {BackendKind.POSTGRES: "SELECT 1", BackendKind.MONGODB: "{}"}


def way(*texts: str, hazards: tuple[Hazard, ...] = (), probes: tuple[str, ...] = (), **more: Any) -> Way:
    """Return one direction of a step."""
    asked = tuple(
        Probe(id=str(number), message="m", help="h", statement=Statement(text=text))
        for number, text in enumerate(probes)
    )
    statements = tuple(Statement(text=text, lock=Lock.SHARE, **more) for text in texts)
    return Way(summary="s", statements=statements, before=asked, hazards=hazards)


def step(
    forward: Way | None = None,
    back: Way | None = None,
    *,
    backend: BackendKind = BackendKind.POSTGRES,
    action: Action = ACTION,
) -> Step:
    """Return a step of items."""
    return Step(
        id=f"{backend}-1",
        backend=backend,
        entity="items",
        action=action,
        phase=Phase.EXPAND,
        forward=forward or way(PLAIN[backend]),
        back=back,
    )


def plan(*steps: Step, kind: PlanKind = PlanKind.UPGRADE, **more: Any) -> Plan:
    """Return a plan of these steps."""
    return Plan(
        kind=kind,
        revision="20260101_a",
        subject="s",
        target=TargetIdentity(name="t", environment="development", ledger_id="l"),
        source={},
        steps=steps,
        **more,
    )
