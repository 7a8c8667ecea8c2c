"""A backup of the whole database but the ledger: rows, checksums and fingerprint of one exported snapshot."""

import json
import os
from pathlib import Path

import asyncpg

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.postgres.backup import archive, client_tools, copying, packing, source, splitting
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.schema import fingerprint
from skill_server.backends.postgres.verify import checksum
from skill_server.backends.sealing import Seal
from skill_server.errors import Conflict, Refused
from skill_server.model.names import NameMap
from skill_server.model.receipt import BackupPart, DumpResult

# The exporter only holds its snapshot while others read, so nothing may end it for being idle.
_EXPORTER = {
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{copying.LOCK_WAIT_S}s",
    "row_security": "off",
}


async def dump(
    connections: Connections,
    names: NameMap,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
    large_bytes: int = splitting.LARGE_BYTES,
) -> DumpResult:
    """Write a backup into a private directory; no file has its name before it is whole and on disk.

    `progress` counts the bytes that the server has sent; tables of `large_bytes` or more are copied in ranges.

    Raises:
        Refused: no client tools (`client-tools-missing`), too little room (`backup-no-space`), a directory that is
            not private or not empty of backups, a table that stays locked (`lock-timeout`).
        Conflict: the schema changed meanwhile (`schema-moved`).
        Failed: `dump-failed`, or the disk filled up (`backup-no-space`); nothing is left of the backup.
    """
    with archive.private_directory(directory) as place, archive.all_or_nothing(place):
        async with connections.session(purpose="backup", settings=_EXPORTER) as exporter:
            tools = await client_tools.find(exporter.get_server_version().major)
            stored, wanted = await source.stored(exporter)
            _require_room(place, wanted)
            system = await source.system_identifier(exporter)
            tables = await checksum.tables(exporter)
            async with checksum.reading(exporter):
                # Before the snapshot is taken: TRUNCATE and ALTER TABLE change what even an old snapshot sees.
                await _lock(exporter, tables)
                moment = await source.moment(exporter, system)
                schema = await fingerprint.read(exporter)
                described = await source.describe(exporter)
                sizes = await source.sizes(exporter, tables, names)
                ranges = await splitting.ranges(exporter, described.encoding, large_bytes, copying.copiers())
                # In turn, not at once: both are bound by the same disk and the same server.
                sums = await checksum.checksums(connections, names, snapshot=moment.snapshot)
                meter = copying.Meter(progress, stored, "PostgreSQL is being read")
                copied = await copying.copy(
                    copying.Copying(
                        connections, tools, moment.snapshot, described.encoding, place, seal, meter
                    ),
                    ranges,
                )
            # Definitions are printed as they are now, whatever the snapshot, by pg_dump as well.
            async with checksum.reading(exporter):
                if schema != await fingerprint.read(exporter):
                    raise Conflict(
                        "schema-moved",
                        f"the schema of database {connections.database!r} changed while it was being backed up",
                        help="Take the backup again when nobody changes the schema.",
                        next_tool="backup",
                    )
        note = archive.Note(
            **described.model_dump(),
            **copied.whole.model_dump(),
            tool_version=tools.version,
            tool_major=tools.major,
            parts=copied.parts,
        )
        text = (json.dumps(note.model_dump(mode="json"), indent=1) + "\n").encode()
        async with archive.new_file(place, archive.NOTE) as file:
            packing.write_all(file, text)
    return DumpResult(
        parts=_parts(note, text, sum(entity.records for entity in sums.entities.values())),
        fingerprint=schema,
        checksums=sums,
        point_in_time=True,
        tool=f"pg_dump {tools.version}",
        moment=moment.at,
        sizes=sizes,
        since=moment.since,
    )


def _parts(note: archive.Note, text: bytes, records: int) -> tuple[BackupPart, ...]:
    beside = sum(part.records for part in note.parts)
    return (
        BackupPart(
            name=archive.ARCHIVE, size_bytes=note.size_bytes, sha256=note.sha256, records=records - beside
        ),
        *(
            BackupPart(name=part.name, size_bytes=part.size_bytes, sha256=part.sha256, records=part.records)
            for part in note.parts
        ),
        archive.part(archive.NOTE, text),
    )


async def wanted_bytes(connections: Connections) -> int:
    """Return how many bytes a backup may need on the disk."""
    async with connections.session(purpose="backup", settings=_EXPORTER) as connection:
        _, wanted = await source.stored(connection)
    return wanted


def _require_room(place: int, wanted: int) -> None:
    room = os.fstatvfs(place)
    free = room.f_bavail * room.f_frsize
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
            f"a table stayed locked by somebody else for {copying.LOCK_WAIT_S} s",
            help="Wait until the schema change or VACUUM FULL that holds it has ended.",
        ) from error
