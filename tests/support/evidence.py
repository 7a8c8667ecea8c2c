"""A target in good order, as evidence: each test takes one thing away and sees the gate close."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from skill_server.errors import Refused
from skill_server.gate.evidence import Evidence
from skill_server.ledger import history
from skill_server.model import action
from skill_server.model.base import JsonObject
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.plan import Phase, Plan, PlanKind, Statement, Step, TargetIdentity, Way
from skill_server.model.receipt import Event, EventKind
from skill_server.settings import PolicySettings

TARGET = TargetIdentity(name="development", environment="development", ledger_id="ledger-1")
WORDS = {
    "postgres.server": "1",
    "postgres.database": "app/2",
    "mongodb.server": "3",
    "mongodb.database": "app/4",
}
SOURCE = {BackendKind.POSTGRES: "schema-of-postgres", BackendKind.MONGODB: "schema-of-mongodb"}
LABEL = "20261123T101112Z-0a1b2c3d"
REVISION = "20261123_add_condition"
DIGEST = "d" * 32


def a_step(backend: BackendKind, *, phase: Phase = Phase.EXPAND, text: str = "SELECT 1") -> Step:
    """Return a step that adds a field, with a way back."""
    way = Way(summary="adds a field", statements=(Statement(text=text),))
    return Step(
        id=f"{backend}-01",
        backend=backend,
        entity="items",
        action=action.AddField(entity="items", field="condition", type=parse("Text")),
        phase=phase,
        forward=way,
        back=way,
    )


def a_plan(kind: PlanKind = PlanKind.UPGRADE, **changes: object) -> Plan:
    """Return a plan with one step for each database."""
    plan = Plan(
        kind=kind,
        revision=None if kind is PlanKind.RESTORE else REVISION,
        subject=DIGEST,
        target=TARGET,
        source=SOURCE,
        steps=() if kind is PlanKind.RESTORE else tuple(a_step(backend) for backend in BackendKind),
        backup_label=LABEL if kind is PlanKind.RESTORE else None,
    )
    return plan.model_copy(update=changes)


def a_finding(**changes: object) -> Finding:
    """Return an error with a place."""
    finding = Finding(
        rule="a-rule",
        severity=Severity.ERROR,
        message="it is wrong",
        help="Mend it.",
        file="app/api.py",
        line=3,
    )
    return finding.model_copy(update={"name": "ItemDesc", **changes})


@dataclass
class Outside:
    """The facts outside the ledger, all in order unless a test says otherwise."""

    documented: str | None = DIGEST
    models: tuple[Finding, ...] | None = ()
    contracts: tuple[Finding, ...] | None = ()
    statements: tuple[Finding, ...] = ()
    damage: tuple[str, ...] = ()
    closed: Refused | None = None
    approval: bool = True
    tests: bool = True
    files: str | None = "code"

    def documented_digest(self, plan: Plan) -> str | None:
        """Return the digest that the document names."""
        return self.documented

    def model_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return how the models differ."""
        return self.models

    def contract_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return what code still uses."""
        return self.contracts

    def statement_findings(self, plan: Plan) -> tuple[Finding, ...]:
        """Return what is wrong with statements."""
        return self.statements

    async def backup_damage(self, label: str, manifest: str) -> tuple[str, ...]:
        """Return what is wrong with the files."""
        return self.damage

    def backup_closed(self, label: str) -> Refused | None:
        """Return why the backup cannot be opened."""
        return self.closed

    async def approval_holds(self, plan: Plan, approval: Event) -> bool:
        """Say whether the approval holds."""
        return self.approval

    def tests_configured(self) -> bool:
        """Say whether there is a test command."""
        return self.tests

    async def tested_files(self) -> str | None:
        """Return the digest of the code."""
        return self.files


@dataclass
class World:
    """A ledger in which every receipt for `plan` is there."""

    plan: Plan = field(default_factory=a_plan)
    outside: Outside = field(default_factory=Outside)
    events: list[Event] = field(default_factory=list[Event])

    def receipt(
        self,
        kind: EventKind,
        bound: Mapping[str, str],
        body: JsonObject | None = None,
        *,
        age_h: float = 0,
        unique: str | None = None,
    ) -> Event:
        """Write a receipt, `age_h` hours ago."""
        event = Event(
            seq=len(self.events) + 1,
            kind=kind,
            at=datetime.now(UTC) - timedelta(hours=age_h),
            bound={"ledger": TARGET.ledger_id, **bound},
            body=body or {},
            unique=unique,
        )
        self.events.append(event)
        return event

    def detected(self, *, age_h: float = 0) -> Event:
        """Write a detection receipt."""
        return self.receipt(EventKind.DETECTION, WORDS, {"summary": "two databases"}, age_h=age_h)

    def backed_up(
        self, *, age_h: float = 0, point_in_time: Mapping[BackendKind, bool] | None = None
    ) -> Event:
        """Write a backup receipt for the plan's schemas."""
        said = dict.fromkeys(BackendKind, True) if point_in_time is None else dict(point_in_time)
        bound = {
            "label": LABEL,
            "manifest": DIGEST,
            **{f"{kind}.schema": SOURCE[kind] for kind in BackendKind},
        }
        return self.receipt(EventKind.BACKUP, bound, {"size_bytes": 1, "point_in_time": said}, age_h=age_h)

    def rehearsed(self, *, passed: bool = True, tested: bool = True, age_h: float = 0) -> Event:
        """Write a rehearsal receipt for the plan."""
        body = {
            "passed": passed,
            "problems": [] if passed else ["upgrade: it broke"],
            "summary": "6 acts",
            "acts": [{"name": "downgrade gave back schema and content", "passed": passed}],
            "tests": [{"backend": kind, "passed": tested} for kind in BackendKind],
        }
        bound = {"plan": self.plan.id, "label": LABEL, "files": "code"}
        return self.receipt(EventKind.REHEARSAL, bound, body, age_h=age_h)

    def approved(self, *, age_h: float = 0) -> Event:
        """Write an approval of the plan."""
        body = {"channel": "elicitation", "identity": "a person"}
        return self.receipt(EventKind.APPROVAL, {"plan": self.plan.id}, body, age_h=age_h)

    def changed(self, result: str = "applied") -> Event:
        """Write the outcome of another change."""
        bound = {"plan": "f" * 32, "kind": "upgrade", "revision": "20261101_before", "subject": "e" * 32}
        return self.receipt(EventKind.OUTCOME, bound, {"result": result})

    def evidence(self, stage: str = "upgrade") -> Evidence:
        """Return all of it as the gate sees it."""
        return Evidence(
            stage=stage,
            events=tuple(self.events),
            history=history.read(self.events),
            target=TARGET,
            identity_words=WORDS,
            fingerprints=SOURCE,
            policy=PolicySettings(),
            facts=self.outside,
        )


def a_world_in_order(plan: Plan | None = None) -> World:
    """Return a world in which every line of the checklist holds."""
    world = World(plan=plan or a_plan())
    world.detected()
    world.backed_up()
    world.rehearsed()
    world.approved()
    return world


def with_policy(evidence: Evidence, **words: object) -> Evidence:
    """Return the evidence under another policy."""
    return replace(evidence, policy=evidence.policy.model_copy(update=words))
