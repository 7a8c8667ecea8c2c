"""Stage review: plan a pending migration, renew its document, and say everything that was found."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.base import JsonObject
from skill_server.model.ids import RevisionOrHead
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Review a migration"
DESCRIPTION = """\
Check a pending migration before anything runs: SQL and MongoDB commands per step, locks, hazards, linter findings, and
whether models and application code agree with it. Use it after generate_migration, after editing a migration file, or
for "review the migration", "is this migration safe?". Renews the .md beside the file and gives the plan_id that
rehearse_migration needs. Changes no schema. Needs detect_db_type. Next: backup, then rehearse_migration; findings of
severity error must be mended first."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = False
APPLIES = False


class ReviewMigrationResult(Result):
    """The plan of a migration with every finding on it, gravest first."""

    revision: str
    plan_id: str
    plan: JsonObject
    findings: list[JsonObject]
    findings_omitted: int
    errors: int


async def review_migration(
    app: "Application",
    revision: Annotated[RevisionOrHead, Field(description="'head' or the revision that is next")] = "head",
    target: TargetName = None,
    progress: Progress = no_progress,
) -> ReviewMigrationResult:
    """Plan a pending revision and gather every finding on it.

    Raises:
        Invalid: no such migration, or its file or its changes do not fit.
        Refused: another revision comes first, or it is applied already.
    """
    # Imported here because the review reads files and SQL, whose parsers are slow to load.
    from skill_server.application import reviewing, views
    from skill_server.model.finding import Severity

    session = await app.session(target)
    reviewed = await reviewing.review_revision(session, revision)
    await progress(1, 1, "reviewed")
    plan = reviewed.proposal.plan
    errors = sum(finding.severity is Severity.ERROR for finding in reviewed.findings)
    findings, omitted = views.finding_views(reviewed.findings)
    verdict = f"{errors} must be mended first" if errors else "none of them blocks"
    return ReviewMigrationResult(
        ok=not errors,
        tool="review_migration",
        target=session.target.name,
        summary=f"{reviewed.migration.revision}: {views.shown(reviewed.migration.summary)}. {len(plan.steps)} steps, "
        f"{len(reviewed.findings)} findings, {verdict}. Plan {plan.id}.",
        next_tool="review_migration" if errors else "backup",
        next_args={
            "target": session.target.name,
            **({"revision": reviewed.migration.revision} if errors else {}),
        },
        revision=reviewed.migration.revision,
        plan_id=plan.id,
        plan=views.plan_view(plan, session.snapshots),
        findings=findings,
        findings_omitted=omitted,
        errors=errors,
    )
