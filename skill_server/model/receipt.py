"""Receipts and events: what the server itself saw happen."""

from enum import StrEnum

from pydantic import AwareDatetime

from skill_server.model.base import Frozen, JsonObject


class EventKind(StrEnum):
    """The kinds of entries of the ledger."""

    ADOPTED = "adopted"
    DETECTION = "detection"
    PLAN = "plan"
    BACKUP = "backup"
    REHEARSAL = "rehearsal"
    APPROVAL = "approval"
    SPENT = "spent"
    STARTED = "started"
    OUTCOME = "outcome"
    VERIFICATION = "verification"
    RESTORED = "restored"
    BASELINED = "baselined"


class Event(Frozen):
    """One entry of the ledger, the same in both databases.

    `bound` holds what the entry proves (plan id, fingerprints, label …); a reader asks for it by exact match.
    `unique` makes a second entry of the same words impossible. `mac` chains the entry to the one before it.
    """

    seq: int
    kind: EventKind
    at: AwareDatetime
    bound: dict[str, str] = {}
    body: JsonObject = {}
    unique: str | None = None
    mac: str = ""


class Mark(Frozen):
    """The journal's word on one step in one database."""

    step: str
    state: str
    at: AwareDatetime
    detail: JsonObject = {}


# The `database_id` where a server makes a database only when something is written to it, and nothing was.
NO_DATABASE = "none"


class ServerIdentity(Frozen):
    """Which server and database answered, and what it can do.

    `server` is the system identifier (PostgreSQL) or replica set / process id (MongoDB), `database_id` tells a clone
    from the original and is `NO_DATABASE` where nothing is there yet, `topology` is standalone, primary, standby,
    replica_set or sharded.
    """

    product: str
    version: str
    server: str
    database: str
    database_id: str
    topology: str
    transactions: bool
    writable: bool
    warnings: tuple[str, ...] = ()


class FieldChecksums(Frozen):
    """Order-independent content checksums of one entity: record count, and per field a keyed sum."""

    records: int
    fields: dict[str, str]


class Checksums(Frozen):
    """Content checksums of a database, per entity under its logical name."""

    entities: dict[str, FieldChecksums]


class BackupPart(Frozen):
    """One file of a backup, relative to its directory."""

    name: str
    size_bytes: int
    sha256: str
    records: int | None = None


class DumpResult(Frozen):
    """What a backend's dump produced: files, and schema and content as of the dumped moment.

    `moment` is that moment by the server's clock, `sizes` the bytes of each entity on the server, and `since` what the
    backend itself needs to tell later what was written after it.
    """

    parts: tuple[BackupPart, ...]
    fingerprint: str
    checksums: Checksums
    point_in_time: bool
    tool: str
    moment: AwareDatetime | None = None
    sizes: dict[str, int] = {}
    since: JsonObject = {}
