"""Find out what a call is about, build its plan, and keep the plan in the ledger with the question for a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from skill_server.application import losing, revisions, sources
from skill_server.application.claiming import last_changing_plan
from skill_server.application.session import Session
from skill_server.approve.question import question
from skill_server.errors import Conflict, Refused
from skill_server.generate.contradiction import require_consistent
from skill_server.generate.migration import Migration
from skill_server.ledger import history
from skill_server.ledger.history import Applied
from skill_server.model.base import JsonObject
from skill_server.model.finding import Finding
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.plan import build


@dataclass(frozen=True)
class Proposal:
    """A plan that was stored, with the text a person approves; `outcome` is there once the plan was applied.

    `findings` is what was found out about the databases while it was shown.
    """

    plan: Plan
    question: str
    outcome: Event | None = None
    findings: tuple[Finding, ...] = ()


async def propose_upgrade(session: Session, revision: str, expected: str | None = None) -> Proposal:
    """Plan the upgrade to the next pending revision.

    Raises:
        Invalid: no such migration, or it does not fit the schema.
        Refused: another revision comes first, or it is applied already (`already-applied`).
        Conflict: an applied file was edited (`file-changed-after-apply`).
    """
    migrations = revisions.read_graph(session)
    revisions.check_applied_files(session, migrations)
    migration = revisions.next_pending(session, migrations, revision)
    if (begun := _unfinished(session, PlanKind.UPGRADE, migration.revision)) is not None:
        return begun
    return await stored(session, plan_of(session, migration), expected)


async def propose_downgrade(session: Session, revision: str, expected: str | None = None) -> Proposal:
    """Plan the way back of the newest applied revision.

    Raises:
        Refused: the revision is not the newest applied one, was finalized, or was there before the ledger.
        Conflict: the schemas are not those that the upgrade left.
    """
    entry = revisions.newest(session, revision)
    if (begun := _unfinished(session, PlanKind.DOWNGRADE, entry.revision)) is not None:
        return begun
    if entry.finalized:
        raise Refused(
            "already-finalized",
            f"what {entry.revision} retired was deleted, so a downgrade could not give it back",
            help="Restore a backup taken before it was finalized.",
            next_tool="restore_backup",
        )
    applied = history.plans(session.events)[_plan_id(entry)]
    left = revisions.expected_fingerprints(session)
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
    migrations = revisions.read_graph(session)
    revisions.check_applied_files(session, migrations)
    entry = session.history.entry(revision)
    if entry is None or entry.finalized:
        raise Refused(
            "nothing-to-finalize",
            f"revision {revision} is not applied, or was finalized already",
            help="Call migration_status to see what is retired.",
            next_tool="migration_status",
        )
    _plan_id(entry)
    migration = migrations.find(revision)
    plan = build.finalize(request(session, migration), session.snapshots, _renders(session, revision))
    return await stored(session, plan, expected)


async def propose_restore(session: Session, label: str, expected: str | None = None) -> Proposal:
    """Plan putting a proven backup in place of both databases; when it is shown, say what would go out of sight.

    What was written since is part of the question and not of the plan: the plan stays the same while people write.

    Raises:
        Refused: there is no such backup (`backup-unknown`), it is another's (`backup-of-another-target`), or it is
            encrypted and its key is not there (`backup-key-missing` and others).
    """
    if expected is None and (begun := _unfinished(session, PlanKind.RESTORE, label)) is not None:
        return begun
    taken = await sources.backup_of(session, label)
    plan = build.restore(
        label=label,
        subject=taken.digest,
        target=session.identity,
        source={kind: snapshot.fingerprint for kind, snapshot in session.snapshots.items()},
    )
    if expected is not None:
        return await stored(session, plan, expected)
    # Said at once, because nobody should stop an application for a backup that nothing here opens.
    session.backups.seal_of(taken)
    losses = await losing.since(session, taken)
    proposal = await stored(session, plan, told=losing.told(taken, losses))
    return replace(proposal, findings=losing.findings(taken, losses, await losing.in_the_way(session, taken)))


def plan_of(session: Session, migration: Migration) -> Plan:
    """Return the upgrade plan of a migration on the schemas as they are, without storing it.

    Raises:
        Invalid: the migration contradicts itself or does not fit. Refused: a backend cannot carry it out safely.
    """
    require_consistent(migration, tuple(session.snapshots.values()))
    return build.upgrade(
        request(session, migration), session.snapshots, _renders(session, migration.revision)
    )


async def stored(
    session: Session, plan: Plan, expected: str | None = None, *, told: Sequence[str] = ()
) -> Proposal:
    """Store a plan on first sight and return it with its question and, if it was applied, its outcome.

    Where `told` has something else to say of the databases than before, the question is stored anew.

    Raises:
        Conflict: it is not the plan the caller expects (`plan-stale`); it is not stored then.
    """
    # What was undone or rolled back may be tried again, and then needs evidence and an approval of its own.
    plan = plan.model_copy(update={"previous_plan": last_changing_plan(session)})
    if expected is not None:
        require_same(plan, expected)
    known = history.latest(session.events, EventKind.PLAN, plan=plan.id)
    asked = question(plan, told)
    if known is None or (told and known.body["question"] != asked):
        await session.target.ledger.record(
            EventKind.PLAN,
            bound={"plan": plan.id, "ledger": plan.target.ledger_id, "kind": plan.kind},
            body={"plan": plan.model_dump(mode="json"), "question": asked},
            unique=None if known else f"plan:{plan.id}",
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


def _plan_id(entry: Applied) -> str:
    """Return the plan that applied a revision.

    Raises:
        Refused: there is none, because the revision was there when the ledger began (`applied-before-the-ledger`).
    """
    if entry.plan_id is None:
        raise Refused(
            "applied-before-the-ledger",
            f"{entry.revision} was applied by other means before the ledger began, so nothing was kept for a way back",
            help="Write a new migration for what should change.",
            next_tool="generate_migration",
        )
    return entry.plan_id


def _unfinished(session: Session, kind: PlanKind, subject: str) -> Proposal | None:
    plan_id = session.history.unfinished
    if plan_id is None:
        return None
    proposal = recall(session, plan_id)
    plan = proposal.plan
    return proposal if (plan.kind, plan.revision or plan.backup_label) == (kind, subject) else None


def _renders(session: Session, revision: str) -> dict[BackendKind, build.Render]:
    def render(kind: BackendKind) -> build.Render:
        backend = session.pair[kind]
        return lambda action, snapshot: backend.render(action, snapshot, migration=revision)

    return {kind: render(kind) for kind in BackendKind}
