"""A plan: ordered, content-addressed steps for both databases, each with its undo and its proof."""

from enum import StrEnum
from typing import Literal, Self

from skill_server.model.action import Action
from skill_server.model.base import Frozen, JsonObject, digest
from skill_server.model.flow import Flow
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind, PlanId, Revision
from skill_server.model.snapshot import Entity, Snapshot


class Phase(StrEnum):
    """The barriers of a run, in the order of an upgrade; a downgrade goes through them backwards."""

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONCURRENT = "concurrent"
    VALIDATE = "validate"
    CONTRACT = "contract"
    FINALIZE = "finalize"


TRANSACTIONAL_PHASES = frozenset({Phase.EXPAND, Phase.CONTRACT, Phase.FINALIZE})


class Statement(Frozen):
    """One thing sent to a database.

    `text` is what people read: SQL, or a MongoDB command in relaxed Extended JSON. PostgreSQL runs `text`; MongoDB runs
    `command`, one of the closed set of operations of its backend. A `flow` is carried out by `run.flow` on both; it is
    the only statement of its way.
    """

    text: str
    command: JsonObject | None = None
    lock: Lock = Lock.NONE
    flow: Flow | None = None


class Probe(Frozen):
    """A question whose answer must be zero records: `statement` finds the offenders and returns their keys.

    On PostgreSQL the statement is a SELECT of one text column, the key, of every offender; on MongoDB a
    `find_offenders` operation. `message` says what an offender means, in words that follow a
    count: "records have a value that …".
    """

    id: str
    message: str
    help: str
    statement: Statement


class Way(Frozen):
    """One direction of a step: the statements, what must hold before them, and what must hold after them.

    `notes` are questions whose answer stops nothing: which values will be replaced, said before anything runs.
    """

    summary: str
    statements: tuple[Statement, ...]
    before: tuple[Probe, ...] = ()
    after: tuple[Probe, ...] = ()
    notes: tuple[Probe, ...] = ()
    hazards: tuple[Hazard, ...] = ()

    @property
    def flow(self) -> Flow | None:
        """The move of values that this way is, or None where the backend itself runs its statements."""
        return next((statement.flow for statement in self.statements if statement.flow is not None), None)


class Piece(Frozen):
    """What a backend makes of an action in one phase, both ways. `down` is None where nothing brings it back."""

    phase: Phase
    up: Way
    down: Way | None


class Step(Frozen):
    """A piece with its place in a plan. `id` is unique in the migration and the same in both directions."""

    id: str
    backend: BackendKind
    entity: str
    action: Action
    phase: Phase
    forward: Way
    back: Way | None

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """The dangers of running the step forward."""
        return self.forward.hazards

    def reversed(self) -> Self:
        """Return the step that undoes this one; only for steps that can be undone."""
        if self.back is None:
            raise ValueError(f"step {self.id} has no way back")
        return self.model_copy(update={"forward": self.back, "back": self.forward})


class TargetIdentity(Frozen):
    """Which pair of databases a plan is for: the name and class of the target and its ledger's id."""

    name: str
    environment: Literal["development", "staging", "production"]
    ledger_id: str


class PlanKind(StrEnum):
    """What applying the plan does."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    FINALIZE = "finalize"
    RESTORE = "restore"


class Plan(Frozen):
    """Everything that decides what runs; its id is the digest of all of it.

    `source` is the schema fingerprint each database must have before the first step. `subject` is the migration's
    digest (for a restore, the backup's). `policy` holds the settings that change how the steps run, `before` the
    entities of the active schema that the steps touch, as they were. `previous_plan` is the last one that was begun, so
    that the same change after a downgrade or a failure is another plan.
    """

    kind: PlanKind
    revision: Revision | None
    subject: str
    target: TargetIdentity
    source: dict[BackendKind, str]
    steps: tuple[Step, ...]
    not_applicable: dict[BackendKind, str] = {}
    acknowledged: tuple[str, ...] = ()
    retired_names: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    policy: JsonObject = {}
    before: tuple[Entity, ...] = ()
    backup_label: str | None = None
    previous_plan: PlanId | None = None

    @property
    def id(self) -> PlanId:
        """The digest of the whole plan: 32 hexadecimal digits."""
        return digest(self)

    @property
    def written_by_triggers(self) -> tuple[str, ...]:
        """The entities that the database's own triggers write to whenever the schema changes, by the configuration."""
        return tuple(self.policy.get("gate", {}).get("written_by_triggers", ()))

    def written_beside(self, snapshot: Snapshot) -> frozenset[str]:
        """Return those of them that this database may write to: none where it has no such triggers."""
        return frozenset(self.written_by_triggers if snapshot.schema_triggers else ())

    def of(self, backend: BackendKind) -> tuple[Step, ...]:
        """Return the steps of one database, in order."""
        return tuple(step for step in self.steps if step.backend is backend)
