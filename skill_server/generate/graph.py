"""The line of migrations in a project's folder: each follows one other, and one comes last."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from skill_server.errors import Invalid, Refused
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
    return History(migrations=line(read_files(directory)))


def read_files(directory: Path) -> list[Migration]:
    """Read every migration of a folder, whatever follows what.

    Raises:
        Invalid: a file cannot be read; see `read`.
    """
    if not directory.is_dir():
        return []
    return [read(path) for path in sorted(directory.glob("*.py")) if not path.name.startswith(("_", "."))]


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
    heads = _heads(migrations)
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


def joining(migrations: Collection[Migration], applied: Collection[str]) -> tuple[str, str] | None:
    """Return a revision that has to follow another one for two branches to be one line; None where there is one line.

    A branch with applied revisions stays; where neither has any, that with the earlier name at its end stays.

    Raises:
        Invalid: a revision is there twice, or follows one that is not there.
        Refused: revisions of both branches are applied (`both-heads-applied`).
    """
    by_revision = {migration.revision: migration for migration in migrations}
    _require_unique([migration.revision for migration in migrations])
    _require_no_gap(migrations, by_revision)
    heads = _heads(migrations)
    if len(heads) < 2:
        return None
    first, second = heads[:2]
    for stays, moves in ((first, second), (second, first)):
        kept = set(_ancestry(stays, by_revision))
        branch = [revision for revision in _ancestry(moves, by_revision) if revision not in kept]
        if not set(branch) & set(applied):
            return branch[-1], stays
    raise Refused(
        "both-heads-applied",
        f"revisions of both branches, that of {first} and that of {second}, are applied",
        help="Undo the newest applied revisions of one branch first.",
        next_tool="run_downgrade",
    )


def _heads(migrations: Collection[Migration]) -> list[str]:
    followed = {migration.down_revision for migration in migrations}
    return sorted(migration.revision for migration in migrations if migration.revision not in followed)


def _ancestry(revision: str, known: Mapping[str, Migration]) -> Iterator[str]:
    # A head is on no circle, and what leads down from it ends unless it runs into one.
    seen: set[str] = set()
    current: str | None = revision
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = known[current].down_revision


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
        help="Call `database-migration merge`, which puts a branch that is not applied behind the other and says "
        f'which; or decide which runs first: if that is {heads[0]}, set down_revision = "{heads[0]}" in {heads[1]}.py '
        "or in the earliest migration of its branch.",
        detail={"heads": list(heads)},
    )
