"""Restore a backup into a scratch database that is created for it, and dropped again when anything goes wrong."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import archive, client_tools, copying, filling, packing, scratch
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.restore import roles
from skill_server.backends.sealing import Seal
from skill_server.errors import MigrationError, Refused
from skill_server.model.base import JsonObject


async def load(
    connections: Connections,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
) -> None:
    """Create this scratch database and restore a backup into it; `progress` counts the plain bytes of all files.

    The hash of every file is checked before anything is created. Owners and privileges are kept where all their roles
    exist here; the scratch mark says whether they were, and subscriptions stay behind (a copy must not subscribe).

    Raises:
        Refused: the name is not scratch, the database exists, client tools or roles of policies are missing.
        Failed: `backup-damaged`, or `restore-failed` with the database dropped again.
    """
    name = scratch.require_scratch_name(connections.database)
    with archive.private_directory(directory) as place:
        note = archive.read_note(place)
        # The descriptor stays open, so what was hashed is what is restored.
        with await packing.checked(place, archive.ARCHIVE, note.sha256) as file:
            for part in note.parts:
                # These are opened again, because there may be more than a process may hold open; then the hash of the
                # plain content tells whether they are still the same.
                (await packing.checked(place, part.name, part.sha256)).close()
            async with connections.maintenance(purpose="restore") as connection:
                server = connection.get_server_version().major
                tools = await client_tools.find(server, archive=note.tool_major)
                found = await roles.of(connection, note)
                await _create(connection, name, note)
                try:
                    await scratch.mark(connection, name, _detail(note, found))
                    await _prepare(connections, note)
                    options = [
                        "--no-subscriptions",
                        *([] if found.owners else ["--no-owner"]),
                        *([] if found.privileges else ["--no-privileges"]),
                    ]
                    total = note.plain_bytes + sum(part.plain_bytes for part in note.parts)
                    meter = copying.Meter(progress, total, "PostgreSQL is being written")
                    await filling.fill(
                        filling.Filling(connections, tools, server, options, place, file, note, seal, meter)
                    )
                except BaseException as error:
                    await asyncio.shield(_undo(connections, name, error))
                    raise


def _detail(note: archive.Note, found: roles.Roles) -> JsonObject:
    return {
        "source": note.database.get("datname"),
        "archive": note.sha256,
        "owners": found.owners,
        "privileges": found.privileges,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


async def _create(connection: Connection, name: str, note: archive.Note) -> None:
    try:
        await connection.execute(await _statement(connection, name, note))
    except asyncpg.DuplicateDatabaseError as error:
        raise scratch.exists(name) from error
    except asyncpg.PostgresError as error:
        if failures.is_connection_loss(error) or failures.sqlstate(error) == failures.PERMISSION_DENIED:
            raise
        raise Refused(
            "scratch-not-created",
            f"this server cannot create a database like the backup's source: {failures.server_text(error)}",
            help="Use a server that has the source's encoding and collations.",
        ) from error


async def _statement(connection: Connection, name: str, note: archive.Note) -> str:
    source = note.database
    options: dict[str, Any] = {
        "ENCODING": note.encoding,
        "LC_COLLATE": source.get("datcollate"),
        "LC_CTYPE": source.get("datctype"),
    }
    # The provider came with 15, where the locale was `daticulocale`; 17 renamed it and added the builtin provider.
    locale = source.get("datlocale") or source.get("daticulocale")
    match source.get("datlocprovider"):
        case "i":
            options |= {
                "LOCALE_PROVIDER": "icu",
                "ICU_LOCALE": locale,
                "ICU_RULES": source.get("daticurules"),
            }
        case "b":
            options |= {"LOCALE_PROVIDER": "builtin", "BUILTIN_LOCALE": locale}
        case "c":
            options["LOCALE_PROVIDER"] = "libc"
        case _:
            pass
    if connection.get_server_version().major < 15:
        options.pop("LOCALE_PROVIDER", None)
    words = [f"CREATE DATABASE {quoted(name)} TEMPLATE template0"]
    for option, value in options.items():
        if value is not None:
            words.append(f"{option} {await connection.fetchval('SELECT quote_literal($1::text)', value)}")
    return " ".join([*words, scratch.newborn(name)])


async def _prepare(connections: Connections, note: archive.Note) -> None:
    if note.public_schema:
        return
    # template0 brings the schema, and pg_dump never says that the source has none.
    async with connections.session(purpose="restore") as connection:
        await connection.execute("DROP SCHEMA public")


async def _undo(connections: Connections, name: str, first: BaseException) -> None:
    # A session of its own: the one in hand may be what was lost.
    try:
        async with connections.maintenance(purpose="drop") as connection:
            await scratch.drop_marked(connection, name)
    except MigrationError as error:
        first.add_note(f"the unfinished database {name!r} could not be dropped: {error}")
