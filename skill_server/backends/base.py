"""What the core asks of a database, as small protocols that PostgreSQL and MongoDB both keep.

Drivers' errors never leave a backend: connection trouble before anything ran is `Refused`, a failure inside a
transaction is `Failed`, a lost answer to a commit is `InDoubt`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from skill_server.backends.records import Records
from skill_server.backends.replacing import KeptThing, Replacing
from skill_server.backends.scratching import Scratch
from skill_server.backends.sealing import Seal
from skill_server.model.action import Action
from skill_server.model.base import Frozen, JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece, Probe, Step
from skill_server.model.progress import Progress, no_progress
from skill_server.model.receipt import Checksums, DumpResult, Event, Mark, ServerIdentity
from skill_server.model.snapshot import Snapshot


class RunPolicy(Frozen):
    """How steps run: times in seconds, sizes in records."""

    lock_timeout_s: float = 0.2
    lock_budget_s: float = 10.0
    statement_timeout_s: float = 3600.0
    batch_records: int = 500


class ProbeResult(Frozen):
    """How many records offend, and the keys of the first few."""

    count: int
    keys: tuple[str, ...] = ()


class Defect(Frozen):
    """Something that breaks what a schema says: records, or a sequence.

    `check` is the id of the verification's check that tells it. `message` follows the count of `records` where that is
    not zero, else it stands alone; `help` says how to mend it. A `tolerated` one the database was told to bear.
    """

    check: str
    entity: str
    field: str | None
    message: str
    help: str
    records: int = 0
    keys: tuple[str, ...] = ()
    tolerated: bool = False


class ReferenceAsked(Frozen):
    """A field that names records of another entity by one of its fields, watched over by the database or not."""

    entity: str
    field: str
    references: str
    references_field: str


class EventStore(Protocol):
    """The ledger's rows in one database."""

    async def prepare(self) -> None:
        """Create what the ledger needs, or do nothing where it exists.

        Raises:
            Refused: the role may not create it (`ledger-not-writable`).
        """
        ...

    async def exists(self) -> bool:
        """Say whether a ledger is there, without creating one."""
        ...

    async def append(self, event: Event) -> None:
        """Store an event durably (`w: majority, j: true` on MongoDB).

        Raises:
            Conflict: `event.seq` or `event.unique` is taken (`ledger-race`).
        """
        ...

    async def events(self) -> list[Event]:
        """Return all events in order of `seq`."""
        ...


class Journal(Protocol):
    """Which steps of a plan this database has seen; written with the step itself."""

    async def marks(self, plan_id: str) -> dict[str, Mark]:
        """Return the marks of a plan by step id; a step without mark never ran here."""
        ...

    async def put(self, plan_id: str, step: str, state: str, detail: JsonObject | None = None) -> None:
        """Write the mark of a step that the backend itself does not run; `state` is `running` or `done`."""
        ...

    async def forget(self, plan_id: str) -> None:
        """Delete the marks of a plan, once its outcome is in the ledger."""
        ...


class Backend(Scratch, Replacing, Protocol):
    """One database of a target. Opening is lazy: the first call connects."""

    kind: BackendKind
    database: str
    names: NameMap
    store: EventStore
    journal: Journal
    records: Records

    def at(self, database: str) -> "Backend":
        """Return the same server's other database (a scratch copy), with the same name map."""
        ...

    def url(self) -> str:
        """Return the URL of this database, for a child process of the project's own tests on a scratch copy."""
        ...

    async def client_tools(self) -> str:
        """Name the programs that backups of this server use, with their versions.

        Raises:
            Refused: one is missing (`client-tools-missing`).
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    async def identity(self) -> ServerIdentity:
        """Ask the server who it is.

        Raises:
            Refused: `server-unreachable`, `login-refused`, `database-missing`.
        """
        ...

    async def kept(self) -> tuple[KeptThing, ...]:
        """List what is kept for downgrades, with its size; the sum is what finalizing would set free."""
        ...

    async def inspect(self) -> Snapshot:
        """Read the schema; the ledger, kept values and other databases are left out."""
        ...

    async def fingerprint(self) -> str:
        """Return the fingerprint that a snapshot of this moment has, without looking at records."""
        ...

    async def schema_facts(self) -> frozenset[str]:
        """Return what the fingerprint of the schema is made of, a line for each fact, so that differences have names.

        A line holds names and definitions as they are; whoever shows it makes them harmless.
        """
        ...

    def render(self, action: Action, snapshot: Snapshot, *, migration: str) -> tuple[Piece, ...]:
        """Say, without input or output, how this database carries out an action, both ways.

        `migration` is the revision: names of what is kept derive from it. The pieces' `down` ways rebuild everything
        the `up` ways take along (indexes, constraints, views …) from what the snapshot holds.

        Raises:
            Refused: the action cannot be done safely here; the message names what stands in the way.
        """
        ...

    async def probe(self, probe: Probe) -> ProbeResult:
        """Run a probe's question."""
        ...

    async def defects(self, *, deep: bool, references: Sequence[ReferenceAsked] = ()) -> tuple[Defect, ...]:
        """Look for what breaks the schema's rules: by catalog and indexes, or where `deep` by reading every record.

        A database that watches over references itself asks for its own; another asks for those given, by their logical
        names, as far as it holds both fields.
        """
        ...

    async def run(
        self, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress = no_progress
    ) -> None:
        """Run neighbouring steps of one phase forward, skipping those whose mark says done.

        On PostgreSQL a transactional phase is one transaction that holds the steps and their marks; a concurrent or
        backfill step is journalled around. On MongoDB each step is idempotent and marked after it.

        Raises:
            Refused: `lock-timeout`, with who blocks; nothing of these steps is done.
            Failed: a statement failed; nothing of a transactional phase is done.
            InDoubt: the answer to a commit or write was lost; ask `journal.marks` before anything else.
        """
        ...

    async def checksums(self, entities: Sequence[str] | None = None) -> Checksums:
        """Read every record (of these entities) and return content checksums in one snapshot where possible."""
        ...

    async def writers(self) -> tuple[str, ...]:
        """Name the other client sessions connected to this database now (application and address only)."""
        ...

    async def backup_bytes(self) -> int:
        """Return how many bytes a backup may need on the disk."""
        ...

    async def dump(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> DumpResult:
        """Write a backup of the whole database, without the ledger, into an existing private directory."""
        ...

    async def load(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> None:
        """Create this (scratch) database from a backup directory; it must not exist yet.

        Raises:
            Refused: the database exists and holds something.
            Failed: the restore did not finish; the database was dropped again.
        """
        ...

    def lock(self, owner: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
        """Hold this database's one migration lock.

        Raises:
            Conflict: `lock-held`; the message names the holder.
        """
        ...


def scratch_name(purpose: str, run: str) -> str:
    """Return the name of a scratch database; `purpose` is one short word, `run` a random word of the run."""
    return f"{SCRATCH_PREFIX}{purpose}_{run}"


SCRATCH_PREFIX = "dbm_scratch_"
