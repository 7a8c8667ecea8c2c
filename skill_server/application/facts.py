"""Facts outside the ledger: the project's files, the backups on disk, signatures."""

from collections.abc import Mapping, Sequence

import anyio.to_thread

from skill_server.approve import signature
from skill_server.backup import manifest as manifests
from skill_server.backup.backups import Backups
from skill_server.errors import MigrationError, Refused
from skill_server.generate import document
from skill_server.model.action import RunRaw
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind, TargetIdentity
from skill_server.model.receipt import Event, EventKind
from skill_server.model.snapshot import Snapshot
from skill_server.plan import build, foresee
from skill_server.project import tested
from skill_server.project.contract import names_in_use
from skill_server.project.models import models_match
from skill_server.project.read_models import read_models
from skill_server.review import review
from skill_server.settings import CONFIGURATION_FILE, Settings

# Each costs two runs of ssh-keygen, and an approval is given soon after the question.
MOST_QUESTIONS = 20


class ProjectFacts:
    """What the files of the project and of the backups say now."""

    def __init__(
        self,
        settings: Settings,
        snapshots: Mapping[BackendKind, Snapshot],
        target: TargetIdentity,
        events: Sequence[Event] = (),
    ) -> None:
        self._settings = settings
        self._snapshots = snapshots
        self._target = target
        self._events = events

    def documented_digest(self, plan: Plan) -> str | None:
        """Return the migration digest that the document beside the plan's migration names."""
        return document.documented_digest(self._settings.migrations / f"{plan.revision}.md")

    def model_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return how the models differ from the PostgreSQL schema as the plan will leave it."""
        place = self._settings.project.models
        if place is None:
            return None
        snapshot = build.schema_after(plan, self._snapshots[BackendKind.POSTGRES])
        models = read_models(self._settings.path(place), self._settings.root)
        unforeseen = _unforeseen(plan)
        if unforeseen:
            # Such statements may make an entity, but what was there and goes by another step is known to be gone.
            there = {entity.native_name for entity in self._snapshots[BackendKind.POSTGRES].entities}
            unforeseen |= {model.name for model in models.entities} - there
        return models_match(models, snapshot, unforeseen=unforeseen, wanted=_made(plan))

    def contract_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return where the configured code uses a name that the plan takes away and nobody acknowledged."""
        code = self._settings.project.code
        if not code:
            return None
        names = [name for name in plan.retired_names if name not in plan.acknowledged]
        paths = [self._settings.path(place) for place in code]
        return names_in_use(names, paths, self._settings.root, migrations=self._settings.migrations)

    def statement_findings(self, plan: Plan) -> tuple[Finding, ...]:
        """Return the review's errors on the plan, which block."""
        return tuple(item for item in review(plan, self._snapshots) if item.severity is Severity.ERROR)

    async def backup_damage(self, label: str, manifest: str) -> tuple[str, ...]:
        """Hash every file of a backup again, if its manifest is still the one that was proven."""
        try:
            taken = await Backups(self._settings, self._target).at_hand(label, manifest)
        except MigrationError as error:
            return (error.message,)
        return await anyio.to_thread.run_sync(manifests.damage, taken, self._settings.backups / label)

    def backup_closed(self, label: str) -> Refused | None:
        """Look whether the key of an encrypted backup is there, before anybody needs it in a hurry."""
        try:
            Backups(self._settings, self._target).seal_of(manifests.read(self._settings.backups / label))
        except Refused as refusal:
            return refusal
        return None

    async def approval_holds(self, plan: Plan, approval: Event) -> bool:
        """Check a signature again; an answer through the client counts outside production only."""
        if "signature" in approval.body:
            for asked in self._questions(plan):
                signer = await signature.verified_signer(
                    signature.message(plan, asked), approval.body["signature"], self._settings.allowed_signers
                )
                if signer is not None and signer == approval.body["identity"]:
                    return True
            return False
        return self._target.environment != "production"

    def _questions(self, plan: Plan) -> tuple[str, ...]:
        """Return the questions that were stored with a plan, newest first: one says what was true when it was shown."""
        stored = [
            event.body["question"]
            for event in reversed(self._events)
            if event.kind is EventKind.PLAN and event.bound["plan"] == plan.id
        ]
        return tuple(dict.fromkeys(stored))[:MOST_QUESTIONS]

    def tests_configured(self) -> bool:
        """Say whether the project names a test command."""
        return bool(self._settings.project.test_command)

    async def tested_files(self) -> str | None:
        """Return the digest of the code that the project's tests run, or None where there is too much of it."""
        project = self._settings.project
        return await anyio.to_thread.run_sync(
            lambda: tested.tested_files(
                self._settings.root,
                places=[self._settings.path(place) for place in (*project.code, project.models) if place],
                command=project.test_command,
                # A migration is bound by the digest of its plan, and the configuration by the policy in it.
                leave_out=(
                    self._settings.migrations,
                    self._settings.backups,
                    self._settings.root / CONFIGURATION_FILE,
                ),
            )
        )


def _unforeseen(plan: Plan) -> frozenset[str]:
    """Return the entities that statements of the author's own change on PostgreSQL, nobody knows how."""
    raw = [
        step.action
        for step in plan.of(BackendKind.POSTGRES)
        if isinstance(step.action, RunRaw) and step.forward.statements
    ]
    return frozenset(name for action in raw for name in (action.entity, *action.entities))


def _made(plan: Plan) -> frozenset[str]:
    """Return the entities that an upgrade makes, or gives another name."""
    if plan.kind is not PlanKind.UPGRADE:
        return frozenset()
    return frozenset(name for step in plan.of(BackendKind.POSTGRES) for name in foresee.made(step.action))
