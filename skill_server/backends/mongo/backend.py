"""MongoDB as a backend: each call goes to the part that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from skill_server.backends.base import (
    Defect,
    EventStore,
    Journal,
    ProbeResult,
    Progress,
    ReferenceAsked,
    RunPolicy,
    no_progress,
)
from skill_server.backends.mongo import expiry
from skill_server.backends.mongo import identity as identities
from skill_server.backends.mongo import kept as kept_things
from skill_server.backends.mongo.backup import dump as dumps
from skill_server.backends.mongo.backup import load as loads
from skill_server.backends.mongo.backup import preflight as preflights
from skill_server.backends.mongo.backup import scratch as scratches
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.records.records import MongoRecords
from skill_server.backends.mongo.render import dispatch as renders
from skill_server.backends.mongo.restore import aside as asides
from skill_server.backends.mongo.restore import replace as replacements
from skill_server.backends.mongo.restore import replaceable as replaceables
from skill_server.backends.mongo.restore import replacement
from skill_server.backends.mongo.restore import restorable as restorables
from skill_server.backends.mongo.restore import written as writings
from skill_server.backends.mongo.run import lock as locks
from skill_server.backends.mongo.run import running as runs
from skill_server.backends.mongo.run.journal import MongoJournal
from skill_server.backends.mongo.schema import inspect as schemas
from skill_server.backends.mongo.schema.listing import listing
from skill_server.backends.mongo.store import MongoStore
from skill_server.backends.mongo.verify import defects as flaws
from skill_server.backends.mongo.verify import probe as probes
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.backends.records import Records
from skill_server.backends.replacing import KeptThing, Written
from skill_server.backends.sealing import Seal
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece, Probe, Step
from skill_server.model.receipt import Checksums, DumpResult, ServerIdentity
from skill_server.model.snapshot import Snapshot


class MongoBackend:
    """One MongoDB database of a target; the protocol `Backend` says what each call promises.

    Raises:
        Invalid: the URL is not one of MongoDB (`url-not-valid`).
        Refused: it names no database (`database-missing`).
    """

    def __init__(self, url: str, names: NameMap, *, database: str | None = None) -> None:
        self._connect(Connections(url, database=database), names)

    def _connect(self, connections: Connections, names: NameMap) -> None:
        self.kind = BackendKind.MONGODB
        self.names = names
        self.database = connections.database
        self.store: EventStore = MongoStore(connections)
        self.journal: Journal = MongoJournal(connections)
        self.records: Records = MongoRecords(connections, names)
        self._connections = connections

    def __repr__(self) -> str:
        return f"MongoBackend(database={self.database!r})"

    def at(self, database: str) -> MongoBackend:
        """Return the same server's other database, with the same name map."""
        other = object.__new__(MongoBackend)
        other._connect(self._connections.at(database), self.names)
        return other

    def url(self) -> str:
        """Return the URL of this database."""
        return self._connections.url()

    async def client_tools(self) -> str:
        """Say that backups need no program: the driver reads and writes mongodump's layout."""
        return "none needed: the driver writes mongodump's layout"

    async def close(self) -> None:
        """Close every connection, also those of databases reached through `at`."""
        await self._connections.close()

    async def identity(self) -> ServerIdentity:
        """Ask the server who it is."""
        return await identities.identity(self._connections)

    async def kept(self) -> tuple[KeptThing, ...]:
        """List the kept collections with their sizes."""
        return await kept_things.kept(self._connections)

    async def replaced(self) -> tuple[KeptThing, ...]:
        """List the collections that restores put aside."""
        return await asides.replaced(self._connections)

    async def inspect(self) -> Snapshot:
        """Read the schema."""
        return await schemas.inspect(self._connections, self.names)

    async def fingerprint(self) -> str:
        """Return the digest of the schema."""
        return schemas.fingerprint(await listing(self._connections))

    async def schema_facts(self) -> frozenset[str]:
        """Return every fact of the fingerprint."""
        return await schemas.facts(self._connections)

    def render(self, action: Action, snapshot: Snapshot, *, migration: str) -> tuple[Piece, ...]:
        """Say how MongoDB carries out an action, both ways."""
        return renders.render(action, snapshot, self.names, migration=migration)

    async def probe(self, probe: Probe) -> ProbeResult:
        """Run a probe's question."""
        return await probes.probe(self._connections, probe.statement.command)

    async def defects(self, *, deep: bool, references: Sequence[ReferenceAsked] = ()) -> tuple[Defect, ...]:
        """Look for documents that break their validator or name a document that is not there."""
        return await flaws.defects(self._connections, self.names, deep=deep, references=references)

    async def run(
        self, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress = no_progress
    ) -> None:
        """Run neighbouring steps of one phase, skipping those whose mark says done."""
        await runs.run(self._connections, plan_id, steps, policy, progress)

    async def checksums(self, entities: Sequence[str] | None = None) -> Checksums:
        """Read every document and return content checksums."""
        return await checksums(self._connections, self.names, entities)

    async def writers(self) -> tuple[str, ...]:
        """Name the other clients that work in this database now."""
        return await identities.writers(self._connections)

    async def backup_bytes(self) -> int:
        """Return how many bytes a backup may need on the disk."""
        return await dumps.wanted_bytes(self._connections)

    async def dump(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> DumpResult:
        """Write a backup into an existing private directory."""
        return await dumps.dump(self._connections, self.names, directory, progress, seal=seal)

    async def load(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> None:
        """Create this scratch database from a backup."""
        await loads.load(self._connections, directory, progress, seal=seal)

    async def written_since(self, dump: DumpResult) -> tuple[Written, ...]:
        """Say of each entity what was written since a dump."""
        return await writings.written_since(self._connections, self.names, dump)

    async def require_dumpable(self) -> None:
        """Check that every collection can be read."""
        await preflights.require_dumpable(self._connections)

    async def require_scratch_possible(self) -> None:
        """Check that this scratch database can be made."""
        await preflights.require_scratch_possible(self._connections)

    async def copy_from(self, template: str, *, gently: bool = False) -> None:
        """Create this scratch database as a copy of another."""
        await scratches.copy_from(self._connections, template, gently=gently)

    async def keep_as_template(self) -> None:
        """Do no more than check the mark: MongoDB cannot close one database to its users."""
        await scratches.require_scratch(self._connections)

    async def let_expire(self) -> None:
        """Arm again what is held from expiring here."""
        await expiry.let_expire(self._connections)

    async def drop(self) -> None:
        """Drop this database, if it is a scratch one."""
        await scratches.drop(self._connections)

    async def scratch(self) -> list[str]:
        """Name the scratch databases on this server."""
        return await scratches.scratch(self._connections)

    async def lookalikes(self) -> list[str]:
        """Name what has the name of a scratch database and no mark."""
        return await scratches.lookalikes(self._connections)

    async def views_since(self, directory: Path, *, seal: Seal | None = None) -> tuple[str, ...]:
        """Name the views that a backup does not have like this."""
        return await writings.views_since(self._connections, directory, seal)

    async def require_replaceable(self, copy: str | None = None) -> None:
        """Check everything that would stop `replace_with`."""
        await replaceables.require_replaceable(self._connections, copy)

    async def require_restorable(self, directory: Path, probe: str, *, seal: Seal | None = None) -> None:
        """Check what a backup's list tells of its restored copy."""
        await restorables.require_restorable(self._connections, directory, probe, seal=seal)

    async def replace_with(self, copy: str) -> None:
        """Put the content of a scratch database in place of this one."""
        await replacements.replace_with(self._connections, copy)

    async def copy_id(self) -> str:
        """Return the moment in which this scratch database was made."""
        return await scratches.made_at(self._connections)

    async def is_replaced_with(self, copy: str, copy_id: str) -> bool:
        """Say whether the journal knows the replacement by a copy as done: one loaded anew has to end it as well."""
        return await replacement.Journal(self._connections).is_done(copy)

    def lock(self, owner: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
        """Hold this database's one migration lock."""
        return locks.hold(self._connections, owner)
