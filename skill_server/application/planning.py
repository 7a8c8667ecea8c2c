"""Find out what a call is about, build its plan, and keep the plan in the ledger with the question for a person."""

from collections.abc import Mapping
from dataclasses import dataclass

from skill_server.application.claiming import last_changing_plan
from skill_server.application.session import Session
from skill_server.approve.question import question
from skill_server.backup import manifest as manifests
from skill_server.errors import Conflict, Refused
from skill_server.generate import graph
from skill_server.generate.contradiction import require_consistent
from skill_server.generate.graph import History as Migrations
from skill_server.generate.migration import Migration
from skill_server.ledger import history
from skill_server.ledger.history import Applied
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.plan import build


@dataclass(frozen=True)
class Proposal:
    """A plan that was stored, with the text a person approves; `outcome` is there once the plan was applied."""

    plan: Plan
    question: str
    outcome: Event | None = None


async def propose_upgrade(session: Session, revision: str, expected: str | None = None) -> Proposal:
    """Plan the upgrade to the next pending revision.

    Raises:
        Invalid: no such migration, or it does not fit the schema.
        Refused: another revision comes first, or it is applied already (`already-applied`).
        Conflict: an applied file was edited (`file-changed-after-apply`).
    """
    migrations = read_graph(session)
    check_applied_files(session, migrations)
    migration = _next(session, migrations, revision)
    if (begun := _unfinished(session, PlanKind.UPGRADE, migration.revision)) is not None:
        return begun
    return await stored(session, plan_of(session, migration), expected)


async def propose_downgrade(session: Session, revision: str, expected: str | None = None) -> Proposal:
    """Plan the way back of the newest applied revision.

    Raises:
        Refused: the revision is not the newest applied one, or was finalized.
        Conflict: the schemas are not those that the upgrade left.
    """
    entry = _newest(session, revision)
    if (begun := _unfinished(session, PlanKind.DOWNGRADE, entry.revision)) is not None:
        return begun
    if entry.finalized:
        raise Refused(
            "already-finalized",
            f"what {entry.revision} retired was deleted, so a downgrade could not give it back",
            help="Restore a backup taken before it was finalized.",
            next_tool="restore_backup",
        )
    applied = history.plans(session.events)[entry.plan_id]
    left = expected_fingerprints(session)
    for kind in BackendKind:
        if left is not None and session.snapshots[kind].fingerprint != left[kind]:
            raise Conflict(
                "schema-drifted",
                f"the schema of {kind} was changed by other means since {entry.revision} was applied",
                help="Find out what changed it; then restore_backup, or undo that change first.",
                next_tool="inspect_schema",
            )
    source = {kind: snapshot.fingerprint for kind, snapshot in session.snapshots.items()}
    plan = build.downgrade(applied, source=source, policy=policy_words(session))
    return await stored(session, plan, expected)


async def propose_finalize(session: Session, revision: str, expected: str | None = None) -> Proposal:
    """Plan the deletion of what an applied revision retired."""
    migrations = read_graph(session)
    check_applied_files(session, migrations)
    entry = session.history.entry(revision)
    if entry is None or entry.finalized:
        raise Refused(
            "nothing-to-finalize",
            f"revision {revision} is not applied, or was finalized already",
            help="Call migration_status to see what is retired.",
            next_tool="migration_status",
        )
    migration = migrations.find(revision)
    plan = build.finalize(request(session, migration), session.snapshots, _renders(session, revision))
    return await stored(session, plan, expected)


async def propose_restore(session: Session, label: str, expected: str | None = None) -> Proposal:
    """Plan putting a proven backup in place of both databases."""
    taken = manifests.read(session.settings.backups / label)
    plan = build.restore(
        label=label,
        subject=taken.digest,
        target=session.identity,
        source={kind: snapshot.fingerprint for kind, snapshot in session.snapshots.items()},
    )
    return await stored(session, plan, expected)


def plan_of(session: Session, migration: Migration) -> Plan:
    """Return the upgrade plan of a migration on the schemas as they are, without storing it.

    Raises:
        Invalid: the migration contradicts itself or does not fit. Refused: a backend cannot carry it out safely.
    """
    require_consistent(migration, tuple(session.snapshots.values()))
    return build.upgrade(
        request(session, migration), session.snapshots, _renders(session, migration.revision)
    )


async def stored(session: Session, plan: Plan, expected: str | None = None) -> Proposal:
    """Store a plan on first sight and return it with its question and, if it was applied, its outcome.

    Raises:
        Conflict: it is not the plan the caller expects (`plan-stale`); it is not stored then.
    """
    # What was undone or rolled back may be tried again, and then needs evidence and an approval of its own.
    plan = plan.model_copy(update={"previous_plan": last_changing_plan(session)})
    if expected is not None:
        require_same(plan, expected)
    if history.latest(session.events, EventKind.PLAN, plan=plan.id) is None:
        await session.target.ledger.record(
            EventKind.PLAN,
            bound={"plan": plan.id, "ledger": plan.target.ledger_id, "kind": plan.kind},
            body={"plan": plan.model_dump(mode="json"), "question": question(plan)},
            unique=f"plan:{plan.id}",
        )
        await session.refresh()
    return recall(session, plan.id)


def recall(session: Session, plan_id: str) -> Proposal:
    """Return a stored plan.

    Raises:
        Refused: the ledger holds no such plan (`plan-unknown`).
    """
    event = history.latest(session.events, EventKind.PLAN, plan=plan_id, ledger=session.identity.ledger_id)
    if event is None:
        raise Refused(
            "plan-unknown",
            f"the ledger of {session.target.name} holds no plan {plan_id}",
            help="Call the tool without plan_id first; it shows the plan and its id.",
            next_tool="migration_status",
        )
    outcome = history.latest(session.events, EventKind.OUTCOME, plan=plan_id)
    outcome = outcome or history.latest(session.events, EventKind.RESTORED, plan=plan_id)
    return Proposal(
        plan=Plan.model_validate(event.body["plan"]), question=event.body["question"], outcome=outcome
    )


def require_same(plan: Plan, plan_id: str) -> None:
    """Check that the plan a caller names is the one that fits the databases and files as they are now.

    Raises:
        Conflict: the plan is stale (`plan-stale`).
    """
    if plan.id != plan_id:
        raise Conflict(
            "plan-stale",
            f"plan {plan_id} no longer fits: the migration, the schemas, the policy or the target changed",
            help="Look at the new plan: call the same tool without plan_id.",
        )


def request(session: Session, migration: Migration) -> build.Request:
    """Return what a migration asks for, in the planner's words."""
    return build.Request(
        revision=migration.revision,
        subject=migration.digest,
        changes=migration.changes,
        not_applicable=dict(migration.not_applicable),
        acknowledged=tuple(sorted(migration.acknowledged)),
        target=session.identity,
        policy=policy_words(session),
    )


def policy_words(session: Session) -> JsonObject:
    """Return the settings that change how steps run and what the gate asks for: a plan's id covers them all.

    Whoever edits the configuration after a rehearsal or an approval so has another plan, without either.
    """
    project = session.settings.project
    return {
        **session.run_policy.model_dump(mode="json"),
        "gate": project.policy.model_dump(mode="json"),
        "models": project.models,
        "code": list(project.code),
        "test_command": list(project.test_command),
    }


def read_graph(session: Session) -> Migrations:
    """Read the project's migration files."""
    return graph.read_folder(session.settings.migrations)


def check_applied_files(session: Session, migrations: Migrations) -> None:
    """Check that every applied revision's file is still the one that was applied.

    Raises:
        Conflict: one is gone or was edited (`file-changed-after-apply`).
    """
    for entry in session.history.applied:
        known = migrations.find(entry.revision) if entry.revision in migrations.revisions else None
        if known is None or known.digest != entry.digest:
            what = "gone" if known is None else "not the one that was applied"
            raise Conflict(
                "file-changed-after-apply",
                f"the file of the applied revision {entry.revision} is {what}",
                help="Put the applied file back, and write a new migration for what should change.",
            )


def expected_fingerprints(session: Session) -> Mapping[BackendKind, str] | None:
    """Return the fingerprints that the last recorded change left, if there was one."""
    for event in reversed(session.events):
        if event.kind in (EventKind.OUTCOME, EventKind.RESTORED) and event.body.get("after"):
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


def _next(session: Session, migrations: Migrations, revision: str) -> Migration:
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


def _newest(session: Session, revision: str) -> Applied:
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


def _unfinished(session: Session, kind: PlanKind, revision: str) -> Proposal | None:
    plan_id = session.history.unfinished
    if plan_id is None:
        return None
    proposal = recall(session, plan_id)
    return proposal if (proposal.plan.kind, proposal.plan.revision) == (kind, revision) else None


def _renders(session: Session, revision: str) -> dict[BackendKind, build.Render]:
    def render(kind: BackendKind) -> build.Render:
        backend = session.pair[kind]
        return lambda action, snapshot: backend.render(action, snapshot, migration=revision)

    return {kind: render(kind) for kind in BackendKind}
