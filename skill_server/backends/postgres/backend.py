"""The PostgreSQL half of a target: one object that keeps `backends.base.Backend` by delegating to the parts."""

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
from skill_server.backends.postgres import identity, kept
from skill_server.backends.postgres.backup import client_tools, dump, load, preflight, scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.records.records import PostgresRecords
from skill_server.backends.postgres.render import dispatch
from skill_server.backends.postgres.restore import aside, replace, replaceable, roles, written
from skill_server.backends.postgres.run import lock, running
from skill_server.backends.postgres.run.journal import PostgresJournal
from skill_server.backends.postgres.schema import fingerprint, inspect
from skill_server.backends.postgres.store import PostgresStore
from skill_server.backends.postgres.verify import checksum, defects
from skill_server.backends.postgres.verify.probe import ask
from skill_server.backends.records import Records
from skill_server.backends.replacing import KeptThing, Written
from skill_server.backends.sealing import Seal
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece, Probe, Step
from skill_server.model.receipt import Checksums, DumpResult, ServerIdentity
from skill_server.model.snapshot import Snapshot


class PostgresBackend:
    """One PostgreSQL database under a name map; `database` stands for the one that the URL names."""

    kind = BackendKind.POSTGRES

    def __init__(self, url: str, names: NameMap, *, database: str | None = None) -> None:
        self._begin(Connections(url, database=database), names)

    def _begin(self, connections: Connections, names: NameMap) -> None:
        self._connections = connections
        self.database = connections.database
        self.names = names
        self.store: EventStore = PostgresStore(connections)
        self.journal: Journal = PostgresJournal(connections)
        self.records: Records = PostgresRecords(connections, names)

    def __repr__(self) -> str:
        return f"PostgresBackend(database={self.database!r})"

    def at(self, database: str) -> "PostgresBackend":
        """Return the same server's other database, with the same name map."""
        other = object.__new__(PostgresBackend)
        other._begin(self._connections.at(database), self.names)
        return other

    def url(self) -> str:
        """Return the URL of this database."""
        return self._connections.url()

    async def client_tools(self) -> str:
        """Name the programs that backups of this server use."""
        async with self._connections.session(purpose="client tools") as connection:
            major = connection.get_server_version().major
        tools = await client_tools.find(major)
        return f"pg_dump and pg_restore {tools.version}"

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def identity(self) -> ServerIdentity:
        """Ask the server who it is."""
        return await identity.identity(self._connections)

    async def kept(self) -> tuple[KeptThing, ...]:
        """List what is kept for downgrades, with its size."""
        return await kept.kept(self._connections)

    async def replaced(self) -> tuple[KeptThing, ...]:
        """List the databases that restores put aside."""
        return await aside.replaced(self._connections)

    async def inspect(self) -> Snapshot:
        """Read the schema."""
        return await inspect.inspect(self._connections, self.names)

    async def fingerprint(self) -> str:
        """Return the digest of the schema."""
        return await fingerprint.of(self._connections)

    async def schema_facts(self) -> frozenset[str]:
        """Return every fact of the fingerprint."""
        return await fingerprint.lines(self._connections)

    def render(self, action: Action, snapshot: Snapshot, *, migration: str) -> tuple[Piece, ...]:
        """Say how an action is carried out, both ways."""
        return dispatch.render(action, snapshot, self.names, migration)

    async def probe(self, probe: Probe) -> ProbeResult:
        """Run a probe's question."""
        return await ask(self._connections, probe)

    async def defects(self, *, deep: bool, references: Sequence[ReferenceAsked] = ()) -> tuple[Defect, ...]:
        """Look for rows and sequences that break what the schema says."""
        return await defects.defects(self._connections, self.names, deep=deep, references=references)

    async def run(
        self, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress = no_progress
    ) -> None:
        """Run neighbouring steps forward, skipping those that are done."""
        await running.run(self._connections, plan_id, steps, policy, progress)

    async def checksums(self, entities: Sequence[str] | None = None) -> Checksums:
        """Return content checksums of one snapshot."""
        return await checksum.checksums(self._connections, self.names, entities)

    async def writers(self) -> tuple[str, ...]:
        """Name the other client sessions."""
        return await identity.writers(self._connections)

    async def backup_bytes(self) -> int:
        """Return how many bytes a backup may need on the disk."""
        return await dump.wanted_bytes(self._connections)

    async def dump(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> DumpResult:
        """Write a backup into a directory."""
        return await dump.dump(self._connections, self.names, directory, progress, seal=seal)

    async def load(
        self, directory: Path, progress: Progress = no_progress, *, seal: Seal | None = None
    ) -> None:
        """Create this scratch database from a backup."""
        await load.load(self._connections, directory, progress, seal=seal)

    async def written_since(self, dump: DumpResult) -> tuple[Written, ...]:
        """Say of each entity what was written since a dump."""
        return await written.written_since(self._connections, self.names, dump)

    async def require_dumpable(self) -> None:
        """Check that every table can be read."""
        await preflight.require_dumpable(self._connections)

    async def require_scratch_possible(self) -> None:
        """Check that the role may create databases."""
        await preflight.require_scratch_possible(self._connections)

    async def copy_from(self, template: str, *, gently: bool = False) -> None:
        """Create this scratch database as a copy of another."""
        await scratch.copy_from(self._connections, template, gently=gently)

    async def keep_as_template(self) -> None:
        """Refuse connections to this scratch database from now on."""
        await scratch.keep_as_template(self._connections)

    async def let_expire(self) -> None:
        """Do nothing: PostgreSQL deletes no rows by time."""

    async def drop(self) -> None:
        """Drop this scratch database."""
        await scratch.drop(self._connections)

    async def scratch(self) -> list[str]:
        """Name the scratch databases of this server."""
        return await scratch.scratch(self._connections)

    async def lookalikes(self) -> list[str]:
        """Name what has the name of a scratch database and no mark."""
        return await scratch.lookalikes(self._connections)

    async def views_since(self, directory: Path, *, seal: Seal | None = None) -> tuple[str, ...]:
        """Name none: the schema's fingerprint covers them."""
        return ()

    async def require_replaceable(self, copy: str | None = None) -> None:
        """Check everything that would stop `replace_with`."""
        await replaceable.require_replaceable(self._connections, copy)

    async def require_restorable(self, directory: Path, probe: str, *, seal: Seal | None = None) -> None:
        """Check what a backup's note tells of its restored copy; the note is never sealed, and no probe needed."""
        await roles.require_restorable(self._connections, directory)

    async def replace_with(self, copy: str) -> None:
        """Put the content of a scratch database in place of this one."""
        await replace.replace_with(self._connections, copy)

    async def copy_id(self) -> str:
        """Return the oid of this scratch database, which it keeps under whatever name."""
        return await scratch.oid(self._connections)

    async def is_replaced_with(self, copy: str, copy_id: str) -> bool:
        """Say whether the database of this name is the one that a copy was."""
        return (await self.identity()).database_id == copy_id

    def lock(self, owner: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
        """Hold this database's one migration lock."""
        return lock.lock(self._connections, owner)
