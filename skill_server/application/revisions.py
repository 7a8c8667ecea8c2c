"""Which revisions the project's files hold, which are applied, and whether the two agree."""

from collections.abc import Mapping

from skill_server.application.session import Session
from skill_server.errors import Conflict, Refused
from skill_server.generate import graph
from skill_server.generate.graph import History as Migrations
from skill_server.generate.migration import Migration
from skill_server.ledger.history import Applied
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import EventKind


def read_graph(session: Session) -> Migrations:
    """Read the project's migration files."""
    return graph.read_folder(session.settings.migrations)


def changed_files(session: Session, migrations: Migrations) -> tuple[str, ...]:
    """Return what is wrong with the files of applied revisions: gone, or not the ones that were applied."""
    found: list[str] = []
    for entry in session.history.applied:
        known = migrations.find(entry.revision) if entry.revision in migrations.revisions else None
        if known is None or known.digest != entry.digest:
            what = "gone" if known is None else "not the one that was applied"
            found.append(f"the file of the applied revision {entry.revision} is {what}")
    return tuple(found)


def check_applied_files(session: Session, migrations: Migrations) -> None:
    """Check that every applied revision's file is still the one that was applied.

    Raises:
        Conflict: one is gone or was edited (`file-changed-after-apply`). What an applied revision follows is part of
            its file, so another that was put before it is found here too.
    """
    for changed in changed_files(session, migrations):
        raise Conflict(
            "file-changed-after-apply",
            changed,
            help="Put the applied file back, and write a new migration for what should change.",
        )


def expected_fingerprints(session: Session) -> Mapping[BackendKind, str] | None:
    """Return the fingerprints that the last recorded change left, if there was one."""
    for event in reversed(session.events):
        if event.kind in (EventKind.OUTCOME, EventKind.RESTORED, EventKind.BASELINED) and event.body.get(
            "after"
        ):
            return {BackendKind(kind): value for kind, value in event.body["after"].items()}
    return None


def pending(session: Session, migrations: Migrations) -> tuple[Migration, ...]:
    """Return the revisions that are not applied, oldest first."""
    applied = {entry.revision for entry in session.history.applied}
    return tuple(item for item in migrations.migrations if item.revision not in applied)


def already_applied(session: Session, migrations: Migrations, revision: str) -> str | None:
    """Say what an upgrade to a revision would find applied, if there is nothing else to do; needs no schema."""
    if revision != "head":
        return revision if session.history.entry(revision) is not None else None
    return None if pending(session, migrations) else "every revision"


def next_pending(session: Session, migrations: Migrations, revision: str) -> Migration:
    """Return the migration that an upgrade to a revision applies.

    Raises:
        Refused: it is applied (`already-applied`), or another comes first (`not-next`).
        Invalid: there is no such revision.
    """
    waiting = pending(session, migrations)
    if (applied := already_applied(session, migrations, revision)) is not None:
        raise Refused(
            "already-applied",
            f"{applied} is applied already",
            help="Nothing is to be done.",
            next_tool="verify_integrity",
        )
    if revision != "head":
        migrations.find(revision)
    first = waiting[0]
    if revision not in ("head", first.revision) or (revision == "head" and len(waiting) > 1):
        raise Refused(
            "not-next",
            f"{len(waiting)} revisions are pending and {first.revision} comes first",
            help="Apply them one at a time, in order.",
            next_tool="run_upgrade",
            next_args={"revision": first.revision, "target": session.target.name},
        )
    return first


def newest(session: Session, revision: str) -> Applied:
    """Return the newest applied revision, which is the only one that can be undone.

    Raises:
        Refused: nothing is applied (`nothing-applied`), or another revision is named (`not-newest`).
    """
    applied = session.history.applied
    if not applied:
        raise Refused("nothing-applied", "no revision is applied", help="Nothing is to be undone.")
    if revision not in ("head", applied[-1].revision):
        raise Refused(
            "not-newest",
            f"{revision} is not the newest applied revision; that is {applied[-1].revision}",
            help="Undo the newest revision first.",
            next_tool="run_downgrade",
            next_args={"revision": applied[-1].revision, "target": session.target.name},
        )
    return applied[-1]
