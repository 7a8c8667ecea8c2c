"""A backup of the whole database but the ledger: archive, checksums and fingerprint of one exported snapshot."""

import json
import os
from pathlib import Path

import asyncpg

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.postgres import archive, checksum, child, client_tools, fingerprint, packing
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.sealing import Seal
from skill_server.errors import Conflict, Failed, Refused
from skill_server.model.ids import LEDGER_NAME
from skill_server.model.names import NameMap
from skill_server.model.receipt import BackupPart, DumpResult

LOCK_WAIT_S = 30
# A packed dump measured about a quarter of the database with its indexes; half leaves room for data that packs badly.
_FORECAST = 0.5
# The exporter only holds its snapshot while others read, so nothing may end it for being idle.
_EXPORTER = {
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_WAIT_S}s",
    "row_security": "off",
}

_DATABASE = """
SELECT to_jsonb(d) - 'datacl' AS row, pg_encoding_to_char(encoding) AS encoding,
    current_setting('server_version') AS version,
    EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS public_schema
FROM pg_database d WHERE datname = current_database()"""
# pg_shdepend says which role owns (o), is granted something (a, i) or stands in a policy (r). The role that
# initdb made is pinned and left out there, so the second half looks for it among the owners.
_ROLES = """
SELECT d.deptype::text AS how, r.rolname::text AS role
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND d.refclassid = 'pg_authid'::regclass
UNION
SELECT 'o', r.rolname::text FROM pg_roles r WHERE r.oid = 10 AND EXISTS (
    SELECT FROM (
        SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class WHERE relowner = 10
        UNION ALL
        SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc WHERE proowner = 10
    ) AS o JOIN pg_namespace n ON n.oid = o.schema
    WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL ('{information_schema,database_migration}'::text[])
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e'))
ORDER BY 1, 2"""


async def dump(
    connections: Connections,
    names: NameMap,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
) -> DumpResult:
    """Write the archive and its note into a private directory; neither has its name before it is whole and on disk.

    `progress` counts the bytes that pg_dump has sent.

    Raises:
        Refused: no client tools (`client-tools-missing`), too little room (`backup-no-space`), a directory that is
            not private or not empty of backups, a table that stays locked (`lock-timeout`).
        Conflict: the schema changed meanwhile (`schema-moved`).
        Failed: `dump-failed`, or the disk filled up (`backup-no-space`); nothing is left of the backup.
    """
    with archive.private_directory(directory) as place, archive.all_or_nothing(place):
        async with connections.session(purpose="backup", settings=_EXPORTER) as exporter:
            tools = await client_tools.find(exporter.get_server_version().major)
            size: int = await exporter.fetchval("SELECT pg_database_size(current_database())")
            _require_room(place, size)
            tables = await checksum.tables(exporter)
            async with checksum.reading(exporter):
                # Before the snapshot is taken: TRUNCATE and ALTER TABLE change what even an old snapshot sees.
                await _lock(exporter, tables)
                snapshot: str = await exporter.fetchval("SELECT pg_export_snapshot()")
                schema = await fingerprint.read(exporter)
                # In turn, not at once: both are bound by the same disk and the same server.
                sums = await checksum.checksums(connections, names, snapshot=snapshot)
                async with archive.new_file(place, archive.ARCHIVE) as file:
                    packed = packing.Packed(file, seal)
                    await _stream(connections, tools, snapshot, packed, size, progress)
                note = await _note(exporter, tools, packed)
            # Definitions are printed as they are now, whatever the snapshot, by pg_dump as well.
            async with checksum.reading(exporter):
                if schema != await fingerprint.read(exporter):
                    raise Conflict(
                        "schema-moved",
                        f"the schema of database {connections.database!r} changed while it was being backed up",
                        help="Take the backup again when nobody changes the schema.",
                        next_tool="backup",
                    )
        text = (json.dumps(note.model_dump(mode="json"), indent=1) + "\n").encode()
        async with archive.new_file(place, archive.NOTE) as file:
            packing.write_all(file, text)
    records = sum(entity.records for entity in sums.entities.values())
    return DumpResult(
        parts=(
            BackupPart(name=archive.ARCHIVE, size_bytes=note.size_bytes, sha256=note.sha256, records=records),
            archive.part(archive.NOTE, text),
        ),
        fingerprint=schema,
        checksums=sums,
        point_in_time=True,
        tool=f"pg_dump {tools.version}",
    )


def _require_room(place: int, database_bytes: int) -> None:
    room = os.fstatvfs(place)
    free = room.f_bavail * room.f_frsize
    wanted = int(database_bytes * _FORECAST)
    if free < wanted:
        raise Refused(
            "backup-no-space",
            f"the backup may need {wanted >> 20} MiB and its disk has {free >> 20} MiB free",
            help="Free space, or configure a backup directory on a larger disk.",
            detail={"needed_bytes": wanted, "free_bytes": free},
        )


async def _lock(connection: Connection, tables: list[checksum.Table]) -> None:
    if not tables:
        return
    try:
        await connection.execute(
            f"LOCK TABLE {', '.join(table.sql for table in tables)} IN ACCESS SHARE MODE"
        )
    except asyncpg.LockNotAvailableError as error:
        raise Refused(
            "lock-timeout",
            f"a table stayed locked by somebody else for {LOCK_WAIT_S} s",
            help="Wait until the schema change or VACUUM FULL that holds it has ended.",
        ) from error


async def _stream(
    connections: Connections,
    tools: client_tools.ClientTools,
    snapshot: str,
    packed: packing.Packed,
    database_bytes: int,
    progress: Progress,
) -> None:
    arguments = (
        # Uncompressed, because every pg_dump can do that and packing it ourselves is four times as fast as its gzip.
        *("--format=custom", "--compress=0", "--no-password", f"--snapshot={snapshot}"),
        *(f"--exclude-schema={LEDGER_NAME}", f"--lock-wait-timeout={LOCK_WAIT_S * 1000}"),
    )
    async with child.running(tools.dump, arguments, connections.environment(), fed=False) as pg_dump:
        while piece := await pg_dump.read():
            await packed.write(piece)
            total = float(database_bytes) if packed.plain_bytes <= database_bytes else None
            await progress(float(packed.plain_bytes), total, "pg_dump is reading PostgreSQL")
        code = await pg_dump.exit_code()
        if code != 0:
            raise Failed(
                "dump-failed",
                f"pg_dump {tools.version} ended with code {code}: {pg_dump.first_error}",
                help="Mend what the message names, then take the backup again.",
                next_tool="backup",
            )
    await packed.finish()


async def _note(
    connection: Connection, tools: client_tools.ClientTools, packed: packing.Packed
) -> archive.Note:
    (row,) = await connection.fetch(_DATABASE)
    roles = await connection.fetch(_ROLES)
    sha256, plain_sha256 = packed.hashes()
    return archive.Note(
        sha256=sha256,
        size_bytes=packed.size_bytes,
        plain_sha256=plain_sha256,
        plain_bytes=packed.plain_bytes,
        server_version=row["version"],
        tool_version=tools.version,
        tool_major=tools.major,
        encoding=row["encoding"],
        database=json.loads(row["row"]),
        public_schema=row["public_schema"],
        owners=tuple(role["role"] for role in roles if role["how"] == "o"),
        grantees=tuple(role["role"] for role in roles if role["how"] in {"a", "i"}),
        bound=tuple(role["role"] for role in roles if role["how"] == "r"),
    )
