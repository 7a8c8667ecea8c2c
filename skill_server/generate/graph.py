"""The line of migrations in a project's folder: each follows one other, and one comes last."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from skill_server.errors import Invalid
from skill_server.generate.migration import Migration
from skill_server.generate.read import read
from skill_server.model.base import Frozen
from skill_server.model.presence import alike


class History(Frozen):
    """All migrations of a project, first to last."""

    migrations: tuple[Migration, ...]

    @property
    def head(self) -> str | None:
        """The last revision, or None where there is no migration."""
        return self.migrations[-1].revision if self.migrations else None

    @property
    def revisions(self) -> tuple[str, ...]:
        """All revisions, first to last."""
        return tuple(migration.revision for migration in self.migrations)

    def find(self, revision: str) -> Migration:
        """Return the migration of a revision.

        Raises:
            Invalid: there is none (`revision-unknown`).
        """
        for migration in self.migrations:
            if migration.revision == revision:
                return migration
        raise Invalid(
            "revision-unknown",
            f"there is no migration {revision[:100]}",
            help=alike(revision[:100], self.revisions[-20:]),
        )

    def after(self, revision: str | None) -> tuple[Migration, ...]:
        """Return the migrations that follow a revision, in order; all of them where it is None.

        Raises:
            Invalid: there is no such revision (`revision-unknown`).
        """
        if revision is None:
            return self.migrations
        return self.migrations[self.migrations.index(self.find(revision)) + 1 :]


def read_folder(directory: Path) -> History:
    """Read every migration of a folder; names that begin with "_" or "." are no migrations.

    Raises:
        Invalid: a file cannot be read, or the migrations are no single line; see `read` and `line`.
    """
    if not directory.is_dir():
        return History(migrations=())
    paths = sorted(path for path in directory.glob("*.py") if not path.name.startswith(("_", ".")))
    return History(migrations=line([read(path) for path in paths]))


def line(migrations: Collection[Migration]) -> tuple[Migration, ...]:
    """Return migrations in the order in which each follows another.

    Raises:
        Invalid: a revision is there twice (`revision-exists-twice`), follows one that is not there
            (`revision-gap`), two follow the same one (`several-heads`), or they run in a circle
            (`revision-circle`).
    """
    by_revision = {migration.revision: migration for migration in migrations}
    _require_unique([migration.revision for migration in migrations])
    _require_no_gap(migrations, by_revision)
    followed = {migration.down_revision for migration in migrations}
    heads = sorted(revision for revision in by_revision if revision not in followed)
    if len(heads) > 1:
        raise _several_heads(heads)
    ordered: list[Migration] = []
    current = by_revision.get(heads[0]) if heads else None
    while current is not None and len(ordered) < len(by_revision):
        ordered.append(current)
        current = by_revision.get(current.down_revision) if current.down_revision else None
    if current is not None or len(ordered) < len(by_revision):
        left = sorted(set(by_revision) - {migration.revision for migration in ordered}) or sorted(by_revision)
        raise Invalid(
            "revision-circle",
            f"{' and '.join(left[:5])} follow each other in a circle",
            help="Set down_revision of the first of them to the revision it really follows, or to None.",
        )
    return tuple(reversed(ordered))


def _require_unique(revisions: Sequence[str]) -> None:
    twice = [revision for revision, count in Counter(revisions).items() if count > 1]
    if twice:
        raise Invalid(
            "revision-exists-twice",
            f"revision {twice[0]} is there twice",
            help="Give one of the two files another revision and name.",
        )


def _require_no_gap(migrations: Collection[Migration], known: Collection[str]) -> None:
    for migration in migrations:
        if migration.down_revision is not None and migration.down_revision not in known:
            raise Invalid(
                "revision-gap",
                f"{migration.revision} follows {migration.down_revision}, which is not there",
                help=f"Bring {migration.down_revision}.py back, or set down_revision to one that is there.",
            )


def _several_heads(heads: Sequence[str]) -> Invalid:
    return Invalid(
        "several-heads",
        f"{' and '.join(heads[:5])} are both last, so the order of the migrations is open",
        help=f'Decide which runs first; if that is {heads[0]}, set down_revision = "{heads[0]}" in {heads[1]}.py '
        "or in the earliest migration of its branch.",
        detail={"heads": list(heads)},
    )
