"""Everything a precondition may look at; it reads and never does the work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from skill_server.errors import Refused
from skill_server.ledger import history
from skill_server.ledger.history import History
from skill_server.model.finding import Finding
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, TargetIdentity
from skill_server.model.receipt import Event, EventKind
from skill_server.settings import PolicySettings


class Facts(Protocol):
    """What lies outside the ledger: files of the project and of the backups, and signatures."""

    def documented_digest(self, plan: Plan) -> str | None:
        """Return the migration digest that the generated document of a plan's migration names."""
        ...

    def model_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return how the models differ from the schema after the plan; None where no models are configured."""
        ...

    def contract_findings(self, plan: Plan) -> tuple[Finding, ...] | None:
        """Return the uses of names the plan takes away; None where no code is configured."""
        ...

    def statement_findings(self, plan: Plan) -> tuple[Finding, ...]:
        """Return the review's errors on the plan's statements."""
        ...

    async def backup_damage(self, label: str, manifest: str) -> tuple[str, ...]:
        """Hash a backup's files again and return what differs from the manifest of this digest."""
        ...

    def backup_closed(self, label: str) -> Refused | None:
        """Return why an encrypted backup cannot be opened, or None where it can."""
        ...

    async def approval_holds(self, plan: Plan, approval: Event) -> bool:
        """Check an approval's signature again, or the channel it came through."""
        ...

    def tests_configured(self) -> bool:
        """Say whether the project names a test command."""
        ...

    async def tested_files(self) -> str | None:
        """Return the digest of the code that the project's tests run, or None where there is too much of it."""
        ...


@dataclass(frozen=True)
class Evidence:
    """The ledger as read for this call, the databases as they are now, and the facts outside."""

    stage: str
    events: tuple[Event, ...]
    history: History
    target: TargetIdentity
    identity_words: Mapping[str, str]
    fingerprints: Mapping[BackendKind, str]
    policy: PolicySettings
    facts: Facts
    writers: tuple[str, ...] = ()

    def latest(self, kind: EventKind, **bound: str) -> Event | None:
        """Return the newest receipt of a kind bound to these words and to this target."""
        return history.latest(self.events, kind, ledger=self.target.ledger_id, **bound)

    def age_h(self, event: Event) -> float:
        """Return how many hours ago a receipt was written."""
        return (datetime.now(UTC) - event.at).total_seconds() / 3600

    def spent(self, event: Event) -> bool:
        """Say whether a receipt that may be used once was used."""
        return any(other.unique == f"spent:{event.seq}" for other in self.events)

    def backup_for(self, source: Mapping[BackendKind, str]) -> Event | None:
        """Return the newest backup receipt that is bound to these schemas."""
        return self.latest(EventKind.BACKUP, **{f"{kind}.schema": source[kind] for kind in BackendKind})
