"""Begin a ledger in the middle: what was applied by other means counts as applied, by a person's word."""

from skill_server.application import revisions
from skill_server.application.session import Session
from skill_server.errors import Refused
from skill_server.generate.migration import Migration
from skill_server.model.finding import Severity
from skill_server.model.receipt import EventKind
from skill_server.plan import build
from skill_server.verify import parts


async def baseline(session: Session, revision: str) -> tuple[str, ...]:
    """Record the schemas as they are as those that a revision ("head": the last one) leaves; return what counts now.

    Revisions up to it count as applied and have no way back. Where there is no migration yet, the schemas alone are
    recorded, so that later changes by other means are noticed.

    Raises:
        Refused: migrations were run on this target already (`ledger-has-begun`), or the schemas do not look as the
            revisions leave them (`baseline-does-not-fit`).
        Conflict: another server works on this target. Invalid: there is no such revision.
    """
    async with session.locked("baseline"):
        found = session.history
        begun = [entry.revision for entry in found.applied if entry.plan_id is not None]
        if begun or found.unfinished or found.needs_attention:
            raise Refused(
                "ledger-has-begun",
                f"migrations were run on {session.target.name} already, so its ledger knows what is applied",
                help="Go on with run_upgrade.",
                next_tool="migration_status",
            )
        await session.inspect()
        migrations = revisions.read_graph(session)
        last = migrations.head if revision == "head" else migrations.find(revision).revision
        kept = migrations.revisions.index(last) + 1 if last is not None else 0
        chosen = migrations.migrations[:kept]
        _require_fits(session, chosen)
        await session.target.ledger.record(
            EventKind.BASELINED,
            bound={"ledger": session.identity.ledger_id, "revision": last or ""},
            body={
                "applied": [{"revision": item.revision, "digest": item.digest} for item in chosen],
                "after": {kind: snapshot.fingerprint for kind, snapshot in session.snapshots.items()},
                "parts": parts.recorded(session.snapshots),
            },
        )
        return tuple(item.revision for item in chosen)


def _require_fits(session: Session, chosen: tuple[Migration, ...]) -> None:
    # Going back from the schemas as they are, each change has to find what it would undo.
    snapshots = dict(session.snapshots)
    for migration in reversed(chosen):
        found, snapshots = build.undone(migration.undoing(), snapshots, migration.not_applicable)
        errors = [item for item in found if item.severity is Severity.ERROR]
        if errors:
            raise Refused(
                "baseline-does-not-fit",
                f"the schemas are not as {migration.revision} leaves them: "
                + "; ".join(f"{item.backend}: {item.message}" for item in errors[:3]),
                help="Name the last revision that the databases really have.",
                next_tool="inspect_schema",
                next_args={"target": session.target.name},
            )
