"""`database-migration doctor`: check configuration, servers, tools and rights, and say how to mend each."""

import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import click

from skill_server.application.application import Application
from skill_server.application.target import Target
from skill_server.backends.base import scratch_name
from skill_server.backup import destination, keys
from skill_server.backup.folder import private_directory
from skill_server.backup.scratch import require_apart
from skill_server.errors import MigrationError
from skill_server.model.ids import BackendKind
from skill_server.settings import Settings


@dataclass(frozen=True)
class Line:
    """One thing that was checked; `help` says how to mend it."""

    what: str
    good: bool
    found: str
    help: str = ""


@click.command("doctor", short_help="Check what a migration needs")
@click.option("--target", default=None, help="The target's name in the configuration.")
@click.option("--quiet", is_flag=True, help="Print nothing; the exit status tells.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(project: Path | None, target: str | None, quiet: bool, as_json: bool) -> None:
    """Check everything a migration needs and say how to mend what is missing."""
    lines = anyio.run(examine, project, target)
    good = all(line.good for line in lines)
    if as_json:
        import json

        checks: list[dict[str, Any]] = [line.__dict__ for line in lines]
        click.echo(json.dumps({"ok": good, "checks": checks}, ensure_ascii=False, indent=2))
    elif not quiet:
        for line in lines:
            click.echo(f"{'ok  ' if line.good else 'MEND'}  {line.what}: {line.found}")
            if not line.good:
                click.echo(f"      {line.help}")
    raise SystemExit(0 if good else 1)


async def examine(project: Path | None, target: str | None) -> list[Line]:
    """Check one thing after the other, going on where one fails."""
    app = Application(project)
    try:
        return [line async for line in _lines(app, target)]
    finally:
        await app.close()


async def _lines(app: Application, target: str | None) -> AsyncIterator[Line]:
    try:
        settings = app.settings
        name, chosen = settings.target(target)
    except MigrationError as error:
        yield Line("configuration", good=False, found=error.message, help=error.help)
        return
    yield Line("configuration", good=True, found=f"target {name} ({chosen.environment})")
    if (models := settings.project.models) is not None:
        there = settings.path(models).exists()
        yield Line("models", good=there, found=models, help="Name the models' folder in the configuration.")
    yield _backup_folder(settings)
    yield _backup_key(settings)
    yield await _destination(settings)
    keygen = shutil.which("ssh-keygen")
    yield Line(
        "ssh-keygen", good=keygen is not None, found=keygen or "missing", help="Install the OpenSSH client."
    )
    if chosen.environment == "production":
        signers = settings.allowed_signers
        yield Line(
            "allowed signers",
            good=signers is not None and signers.is_file(),
            found=str(signers or "not set"),
            help="Set DATABASE_MIGRATION_ALLOWED_SIGNERS to an OpenSSH allowed_signers file.",
        )
    try:
        opened = await app.target(name)
    except MigrationError as error:
        yield Line("target", good=False, found=error.message, help=error.help)
        return
    servers = {kind: await _server(kind, opened.pair[kind].identity) for kind in BackendKind}
    for line in servers.values():
        yield line
    # A server that does not answer is waited for once, not once for each question to it.
    if all(line.good for line in servers.values()):
        yield await _ledger(opened.ledger.events)
        for kind in BackendKind:
            yield await _tools(kind, opened.pair[kind].client_tools)
            yield await _rights(opened, kind)
            yield await _copies(opened, kind)


def _backup_folder(settings: Settings) -> Line:
    folder = settings.backups
    if not folder.exists() and not folder.is_symlink():
        return Line("backup folder", good=True, found="made with the first backup")
    try:
        private_directory(folder, within=settings.root)
    except MigrationError as error:
        return Line("backup folder", good=False, found=error.message, help=error.help)
    free = shutil.disk_usage(folder).free
    return Line("backup folder", good=True, found=f"private, {free >> 20} MiB free")


def _backup_key(settings: Settings) -> Line:
    """Look at the key of encrypted backups, and show nothing of it."""
    what = "backup key"
    if settings.backup_key_file is None and not settings.project.encrypt_backups:
        return Line(what, good=True, found=f"{keys.VARIABLE} is not set, so backups are not encrypted")
    try:
        seal = keys.seal(settings.backup_key_file)
    except MigrationError as error:
        return Line(what, good=False, found=error.message, help=error.help)
    return Line(what, good=True, found=f"private, {seal.keys} of age; save it where the backups are not")


async def _destination(settings: Settings) -> Line:
    """Write, read and remove a small file at the destination of backups; its address is not shown."""
    what, url = "backup destination", settings.backup_destination
    if not url:
        return Line(
            what, good=True, found=f"{destination.VARIABLE} is not set, so backups stay on this machine"
        )
    try:
        place = destination.Destination(url, f"probe-{secrets.token_hex(8)}")
        free = await anyio.to_thread.run_sync(place.try_out)
    except MigrationError as error:
        return Line(what, good=False, found=error.message, help=error.help)
    room = "" if free is None else f", {free >> 20} MiB free"
    sealed = "" if settings.backup_key_file else "; what is sent there is not encrypted"
    return Line(what, good=True, found=f"can be written to, read and cleared{room}{sealed}")


async def _server(kind: BackendKind, ask: Callable[[], Awaitable[Any]]) -> Line:
    try:
        identity = await ask()
    except MigrationError as error:
        return Line(str(kind), good=False, found=error.message, help=error.help)
    words = f"{identity.product} {identity.version}, {identity.topology}, database {identity.database}"
    warnings = "; ".join(identity.warnings)
    return Line(
        str(kind),
        good=identity.writable,
        found=f"{words}{'; ' + warnings if warnings else ''}",
        help="Give the server a role that may migrate, on the primary.",
    )


async def _ledger(read: Callable[[], Awaitable[list[Any]]]) -> Line:
    try:
        events = await read()
    except MigrationError as error:
        return Line("ledger", good=False, found=error.message, help=error.help)
    return Line(
        "ledger", good=True, found=f"{len(events)} entries, the chain holds" if events else "none yet"
    )


async def _rights(target: Target, kind: BackendKind) -> Line:
    """Check what a backup and its copies need, on the server where the copies are made."""
    what = f"{kind} rights"
    copy = target.rehearsal[kind].at(scratch_name("probe", secrets.token_hex(8)))
    try:
        await require_apart(target.pair, target.rehearsal)
        await target.pair[kind].require_dumpable()
        await copy.require_scratch_possible()
    except MigrationError as error:
        return Line(what, good=False, found=error.message, help=error.help)
    return Line(what, good=True, found="everything can be read, and copies can be made")


async def _copies(target: Target, kind: BackendKind) -> Line:
    """Name what looks like a copy that a crash left, and is none that anything here would drop."""
    what = f"{kind} copies"
    try:
        servers = {id(backend): backend for backend in (target.pair[kind], target.rehearsal[kind])}.values()
        found = sorted({name for backend in servers for name in await backend.lookalikes()})
    except MigrationError as error:
        return Line(what, good=False, found=error.message, help=error.help)
    # A stranger's database hinders no migration, so this is no fault; but nobody else would tell of it.
    words = f"look like copies, carry no mark and are never dropped; look, then drop: {', '.join(found)}"
    return Line(what, good=True, found=words if found else "none is left over without a mark")


async def _tools(kind: BackendKind, find: Callable[[], Awaitable[str]]) -> Line:
    try:
        return Line(f"{kind} client tools", good=True, found=await find())
    except MigrationError as error:
        return Line(f"{kind} client tools", good=False, found=error.message, help=error.help)
