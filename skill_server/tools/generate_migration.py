"""Stage generate: write a migration file for both databases, and the document beside it."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from skill_server.changes import AnyChange
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Write a migration"
DESCRIPTION = """\
Turn a wish for a schema change ("add a field", "rename", "drop", "change the type", "add an index") into a migration
file for PostgreSQL and MongoDB: migrations/YYYYMMDD_summary.py with upgrade and downgrade, and a .md with SQL,
MongoDB commands, locks and the way back. Writes files only; the databases stay as they are. Give all changes of one
wish in one call, in order; use the logical names that inspect_schema shows. A dropped field is hidden and kept until
finalize_migration. Not for edits of data. Needs detect_db_type. Next: review_migration."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = False
LONG = False
APPLIES = False

Reason = Annotated[str, Field(min_length=1, max_length=4000)]


class GenerateMigrationResult(Result):
    """The migration that was written, and the plan it makes on the databases as they are."""

    revision: str
    file: str
    document: str
    changes: list[str]
    plan: JsonObject
    findings: list[JsonObject]
    findings_omitted: int


async def generate_migration(
    app: "Application",
    summary: Annotated[
        str, Field(min_length=1, max_length=200, description="the change in one short sentence")
    ],
    reason: Annotated[Reason, Field(description="why the change is made, for those who read it later")],
    changes: Annotated[
        list[AnyChange], Field(min_length=1, max_length=100, description="the changes, in order")
    ],
    not_applicable: Annotated[
        dict[Literal["postgres", "mongodb"], Reason] | None,
        Field(description="a database that takes no part, and why"),
    ] = None,
    acknowledge: Annotated[
        dict[str, Reason] | None,
        Field(description="a retired name that may stay in the code, and why"),
    ] = None,
    target: TargetName = None,
    progress: Progress = no_progress,
) -> GenerateMigrationResult:
    """Write `migrations/YYYYMMDD_summary.py` and the `.md` beside it.

    Raises:
        Invalid: the changes do not fit, contradict each other, or use a name that is not allowed; nothing is written.
        Refused: a database cannot carry a change out safely; nothing is written.
    """
    # Imported here because planning reads migration files and SQL, whose parsers are slow to load.
    from skill_server.application import generating, views

    session = await app.session(target)
    written = await generating.generate(
        session,
        summary=summary,
        reason=reason,
        changes=changes,
        not_applicable={BackendKind(kind): why for kind, why in (not_applicable or {}).items()},
        acknowledged=acknowledge or {},
    )
    await progress(1, 1, "written")
    findings, omitted = views.finding_views(written.findings)
    revision = written.migration.revision
    return GenerateMigrationResult(
        tool="generate_migration",
        target=session.target.name,
        summary=f"Wrote {written.file.name} and {written.page.name}: {len(written.plan.steps)} steps on both "
        "databases. Nothing in the databases was changed.",
        next_tool="review_migration",
        next_args={"revision": revision, "target": session.target.name},
        revision=revision,
        file=str(written.file.relative_to(session.settings.root)),
        document=str(written.page.relative_to(session.settings.root)),
        changes=[views.shown(change.describe()) for change in written.migration.changes],
        plan=views.plan_view(written.plan, session.snapshots),
        findings=findings,
        findings_omitted=omitted,
    )
