"""Stage rehearse: play a stored plan on copies and leave a receipt, whatever the result."""

from collections.abc import Mapping
from datetime import UTC, datetime

from skill_server import settings as configuration
from skill_server.application.planning import recall
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.sealing import Seal
from skill_server.ledger import history
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.project import command
from skill_server.rehearse.rehearse import ProjectTests, rehearse
from skill_server.rehearse.report import RehearsalReport, TestOutcome


async def rehearse_plan(
    session: Session, plan_id: str, progress: Progress = no_progress
) -> tuple[RehearsalReport, Event]:
    """Play the plan on copies of its backup, or return the receipt of a rehearsal that passed and still counts.

    Raises:
        Refused: the plan is unknown, or a precondition does not hold.
    """
    plan = recall(session, plan_id).plan
    async with session.locked(f"rehearsal of {plan_id}"):
        await session.enter("rehearse", plan)
        backup = session.backup_for(plan)
        # Taken before anything runs, so that an edit during the rehearsal is one after it. Without a digest, of more
        # code than can be read each time, no earlier result counts.
        files = await session.facts.tested_files() if _is_tested(session, plan) else ""
        if files is not None and (known := counting(session, plan_id, backup, files)) is not None:
            return report_of(known), known
        report = await rehearse(
            session.pair,
            plan,
            label=backup.bound["label"],
            backups=session.settings.backups,
            policy=session.run_policy,
            tests=_tests(session) if _is_tested(session, plan) else None,
            servers=session.target.rehearsal,
            live=session.snapshots,
            seal=await _seal(session, backup),
            progress=progress,
        )
        seconds = sum(act.seconds for act in report.acts)
        receipt = await session.target.ledger.record(
            EventKind.REHEARSAL,
            bound={
                "plan": plan.id,
                "ledger": session.identity.ledger_id,
                "label": backup.bound["label"],
                **({"files": files} if files else {}),
            },
            body={
                **report.model_dump(mode="json"),
                "passed": report.passed,
                "problems": list(report.problems),
                "summary": f"{len(report.acts)} acts in {seconds:.1f} s",
            },
        )
    await session.refresh()
    return report, receipt


def counting(session: Session, plan_id: str, backup: Event, files: str) -> Event | None:
    """Return the newest rehearsal of a plan if it passed on this backup, is fresh, and nothing was applied since.

    Where the project is tested, `files` is the digest of its code, which has to be that of the tests that passed.
    """
    words = {"plan": plan_id, "ledger": session.identity.ledger_id, "label": backup.bound["label"]}
    receipt = history.latest(session.events, EventKind.REHEARSAL, **words)
    if receipt is None or not receipt.body["passed"] or "forecast" not in receipt.body:
        return None
    if files and receipt.bound.get("files") != files:
        return None
    age_h = (datetime.now(UTC) - receipt.at).total_seconds() / 3600
    fresh = age_h <= session.settings.project.policy.rehearsal_max_age_h
    return receipt if fresh and receipt.seq > session.history.last_change_seq else None


def report_of(receipt: Event) -> RehearsalReport:
    """Return the report that a rehearsal's receipt holds; of one from before forecasts, there is none in it."""
    known = RehearsalReport.model_fields.keys()
    return RehearsalReport.model_validate({key: receipt.body[key] for key in known if key in receipt.body})


def latest_report(session: Session, plan_id: str) -> RehearsalReport | None:
    """Return the report of the newest rehearsal of a plan, or None."""
    words = {"plan": plan_id, "ledger": session.identity.ledger_id}
    receipt = history.latest(session.events, EventKind.REHEARSAL, **words)
    return None if receipt is None else report_of(receipt)


async def _seal(session: Session, backup: Event) -> Seal | None:
    """Return what opens the backup, read from the manifest that was proven."""
    taken = await session.backups.at_hand(backup.bound["label"], backup.bound["manifest"])
    return session.backups.seal_of(taken)


def _is_tested(session: Session, plan: Plan) -> bool:
    return session.facts.tests_configured() and plan.kind is not PlanKind.FINALIZE


def _tests(session: Session) -> ProjectTests:
    project = session.settings.project

    async def run(names: Mapping[BackendKind, str]) -> tuple[TestOutcome, ...]:
        target = session.target.settings
        copies = session.target.rehearsal.at(names)
        urls = {
            target.postgres: copies[BackendKind.POSTGRES].url(),
            target.mongodb: copies[BackendKind.MONGODB].url(),
        }
        outcomes: list[TestOutcome] = []
        for kind in BackendKind:
            ended = await command.run_tests(
                project.test_command,
                session.settings.root,
                {**configuration.base_environment(), **urls, target.db_type: kind},
                project.policy.test_timeout_s,
            )
            outcomes.append(
                TestOutcome(
                    backend=kind, passed=ended.passed, seconds=round(ended.seconds, 2), tail=ended.tail
                )
            )
        return tuple(outcomes)

    return run
