"""What one call knows of its target: read once, at the start."""

import getpass
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from skill_server.application.facts import ProjectFacts
from skill_server.application.target import Target
from skill_server.backends.base import RunPolicy
from skill_server.backends.pair import Pair
from skill_server.backup.backups import Backups
from skill_server.detect import detect
from skill_server.errors import Refused
from skill_server.gate import gate
from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Checklist
from skill_server.ledger import history
from skill_server.ledger.history import History
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, TargetIdentity
from skill_server.model.receipt import Event, EventKind, ServerIdentity
from skill_server.model.snapshot import Snapshot
from skill_server.settings import Settings
from skill_server.workflow import STAGES


@dataclass
class Session:
    """A target as it is now: identities, ledger, history and schemas; `snapshots` is empty until they were read."""

    settings: Settings
    target: Target
    identities: Mapping[BackendKind, ServerIdentity]
    identity: TargetIdentity
    events: list[Event]
    snapshots: Mapping[BackendKind, Snapshot]

    @property
    def pair(self) -> Pair:
        """The two databases."""
        return self.target.pair

    @property
    def history(self) -> History:
        """What the ledger says was done."""
        return history.read(self.events)

    @property
    def facts(self) -> ProjectFacts:
        """What the project's files and the backups say."""
        return ProjectFacts(self.settings, self.snapshots, self.identity, self.events)

    @property
    def backups(self) -> Backups:
        """The backups of this target."""
        return Backups(self.settings, self.identity)

    @property
    def run_policy(self) -> RunPolicy:
        """How steps run on this target."""
        policy = self.settings.project.policy
        return RunPolicy(
            lock_timeout_s=policy.lock_timeout_s,
            lock_budget_s=policy.lock_budget_s,
            statement_timeout_s=policy.statement_timeout_s,
            batch_records=policy.batch_records,
        )

    def backup_for(self, plan: Plan) -> Event:
        """Return the receipt of the proven backup that fits a plan.

        Raises:
            Refused: there is none (`backup-missing`).
        """
        bound = {f"{kind}.schema": plan.source[kind] for kind in BackendKind}
        event = history.latest(self.events, EventKind.BACKUP, ledger=self.identity.ledger_id, **bound)
        if event is None:
            raise Refused("backup-missing", "no proven backup fits", help="Call backup.", next_tool="backup")
        return event

    async def inspect(self) -> None:
        """Read both schemas, which takes long where a database keeps no schema and its records have to be looked at."""
        self.snapshots = await self.pair.inspect()

    @asynccontextmanager
    async def locked(self, doing: str) -> AsyncGenerator[None]:
        """Hold the migration lock of both databases, and read ledger and identities as they are once it is held.

        Raises:
            Conflict: another server works on this target (`lock-held`), with its name.
        """
        owner = {
            "doing": doing,
            "target": self.target.name,
            "process": f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}",
        }
        async with self.pair.locked(owner):
            await self.refresh()
            # Whoever held the lock before may have restored the databases, or a person adopted them again.
            self.identities = await self.pair.identities()
            self.identity = detect.read_identity(
                self.events, self.target.name, self.target.settings.environment, self.identities
            )
            yield

    async def refresh(self) -> None:
        """Read the ledger again, after this call wrote to it."""
        self.events = await self.target.ledger.events()

    async def checklist(self, stage: str, plan: Plan | None) -> Checklist:
        """Evaluate the preconditions of a stage."""
        evidence = Evidence(
            stage=stage,
            events=tuple(self.events),
            history=self.history,
            target=self.identity,
            identity_words=detect.identity_words(self.identities),
            fingerprints={kind: snapshot.fingerprint for kind, snapshot in self.snapshots.items()},
            policy=self.settings.project.policy,
            facts=self.facts,
            writers=await self.pair.writers() if self.settings.project.policy.require_quiet else (),
        )
        return await gate.evaluate(STAGES[stage].requires, plan, evidence)

    async def enter(self, stage: str, plan: Plan | None) -> Checklist:
        """Evaluate the preconditions of a stage and refuse unless all hold."""
        checklist = await self.checklist(stage, plan)
        gate.require(checklist, stage=STAGES[stage].tool, common_args={"target": self.target.name})
        return checklist


async def open_session(settings: Settings, target: Target, *, inspected: bool = True) -> Session:
    """Ask both databases who they are, read the ledger, and, if the schemas are `inspected` at once, read both.

    Raises:
        Refused: a server cannot be reached, or the target was never detected.
        Conflict: the ledger belongs to another target, or does not hold together.
    """
    identities = await target.pair.identities()
    events = await target.ledger.events()
    identity = detect.read_identity(events, target.name, target.settings.environment, identities)
    return Session(
        settings=settings,
        target=target,
        identities=identities,
        identity=identity,
        events=events,
        snapshots=await target.pair.inspect() if inspected else {},
    )
