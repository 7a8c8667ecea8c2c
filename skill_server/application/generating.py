"""Stage generate: write a migration for both databases, its document, and say what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from skill_server.application import planning, revisions
from skill_server.application.session import Session
from skill_server.errors import Invalid
from skill_server.generate import document, name, write
from skill_server.generate.migration import Migration
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.plan import build


@dataclass(frozen=True)
class Generated:
    """A migration that was written, with the plan it makes on the databases as they are."""

    migration: Migration
    file: Path
    page: Path
    plan: Plan
    findings: tuple[Finding, ...]


async def generate(
    session: Session,
    *,
    summary: str,
    reason: str,
    changes: Sequence[Change],
    not_applicable: Mapping[BackendKind, str],
    acknowledged: Mapping[str, str],
) -> Generated:
    """Write `migrations/YYYYMMDD_summary.py` and the `.md` beside it, if the changes fit both databases.

    Raises:
        Invalid: the changes do not fit, contradict each other, or use a name that is not allowed; nothing is written.
        Refused: a backend cannot carry a change out safely; nothing is written.
    """
    await session.enter("generate", None)
    migrations = revisions.read_graph(session)
    revisions.check_applied_files(session, migrations)
    try:
        migration = Migration(
            revision=name.new_revision(summary, migrations.revisions, datetime.now(UTC)),
            down_revision=migrations.head,
            summary=summary,
            reason=reason,
            changes=tuple(changes),  # pyright: ignore[reportArgumentType] - every authored change is one of AnyChange
            not_applicable=dict(not_applicable),
            acknowledged=dict(acknowledged),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(
            "migration-invalid",
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            help="Mend the arguments.",
        ) from error
    plan = planning.plan_of(session, migration)
    file = write.write(migration, session.settings.migrations)
    page = document.write_page(migration, plan, session.settings.migrations)
    findings = build.problems(planning.request(session, migration), session.snapshots)
    return Generated(migration=migration, file=file, page=page, plan=plan, findings=findings)
