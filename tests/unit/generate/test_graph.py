"""The migrations of a folder are one line; whatever else they are is refused, with the way to mend it."""

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.errors import Invalid, Refused
from skill_server.generate.follow import follow
from skill_server.generate.graph import History, joining, line, read_folder
from skill_server.generate.migration import Migration
from skill_server.generate.write import write

A, B, C, D = "20260101_a", "20260102_b", "20260103_c", "20260104_d"


def migration(revision: str, after: str | None) -> Migration:
    """Return a migration that follows another."""
    change = changes.build("drop_index", entity="items", name=f"ix_{revision}")
    return Migration(revision=revision, down_revision=after, summary="s", reason="r", changes=(change,))


def refused(*migrations: Migration) -> Invalid:
    """Return the refusal of migrations that are no line."""
    with pytest.raises(Invalid) as caught:
        line(migrations)
    return caught.value


def test_a_folder_is_read_first_to_last_whatever_the_names_say(tmp_path: Path) -> None:
    """The links decide the order; other files are left alone."""
    for each in (migration(A, C), migration(C, None), migration(B, A)):
        write(each, tmp_path)
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / f"{A}.md").write_text("")

    history = read_folder(tmp_path)

    assert history.revisions == (C, A, B)
    assert history.head == B
    assert [each.revision for each in history.after(C)] == [A, B]
    assert len(history.after(None)) == 3
    assert history.find(A).down_revision == C


def test_an_unknown_revision_brings_the_nearest(tmp_path: Path) -> None:
    """A misspelt revision should cost one retry."""
    with pytest.raises(Invalid) as caught:
        History(migrations=(migration(A, None),)).find("20260101_b")

    assert caught.value.code == "revision-unknown"
    assert A in caught.value.help


def test_a_folder_that_is_not_there_holds_no_migration(tmp_path: Path) -> None:
    """A project begins without one."""
    assert read_folder(tmp_path / "no").head is None


def test_two_that_follow_the_same_are_refused_by_name() -> None:
    """Two branches of work were joined; only a person knows which runs first."""
    error = refused(migration(A, None), migration(B, A), migration(C, A))

    assert error.code == "several-heads"
    assert f"{B} and {C}" in error.message
    assert f'down_revision = "{B}" in {C}.py' in error.help


def test_two_first_migrations_are_refused() -> None:
    """Each is a head of its own."""
    assert refused(migration(A, None), migration(B, None)).code == "several-heads"


def test_a_gap_is_refused_by_name() -> None:
    """A file that was deleted may have been applied."""
    error = refused(migration(B, A))

    assert error.code == "revision-gap"
    assert f"{B} follows {A}" in error.message


@pytest.mark.parametrize("also", [[], [migration("20260104_d", None)], [migration("20260104_d", C)]])
def test_a_circle_is_refused(also: list[Migration]) -> None:
    """A circle beside a sound line, or with a tail, is found as well."""
    error = refused(migration(A, C), migration(B, A), migration(C, B), *also)

    assert error.code == "revision-circle"


def test_a_revision_that_is_there_twice_is_refused() -> None:
    """History would not say which of the two was applied."""
    assert refused(migration(A, None), migration(A, None)).code == "revision-exists-twice"


def test_a_file_that_cannot_be_read_stops_the_whole_folder(tmp_path: Path) -> None:
    """Leaving it out would change the order of the others."""
    write(migration(A, None), tmp_path)
    (tmp_path / f"{B}.py").write_text("import os")

    with pytest.raises(Invalid, match=f"{B}.py:1: "):
        read_folder(tmp_path)


def test_the_branch_without_applied_revisions_moves() -> None:
    """What is applied is frozen, so its branch stays, whatever the names say."""
    made = (migration(A, None), migration(B, A), migration(C, A), migration(D, C))

    assert joining(made, applied=()) == (C, B)
    assert joining(made, applied=(A,)) == (C, B)
    assert joining(made, applied=(A, B)) == (C, B)
    assert joining(made, applied=(A, C)) == (B, D)
    assert joining(made[:2], applied=()) is None
    assert joining((migration(A, None), migration(B, None)), applied=()) == (B, A)


def test_two_branches_with_applied_revisions_are_not_joined() -> None:
    """Either order would rewrite what happened."""
    with pytest.raises(Refused) as caught:
        joining((migration(A, None), migration(B, A), migration(C, A)), applied=(B, C))

    assert caught.value.code == "both-heads-applied"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("value", ["None", '"20260101_a"', '(\n    "20260101"\n    "_a"\n)'])
def test_a_file_that_follows_another_revision_stays_as_it_is_otherwise(
    tmp_path: Path, value: str, end: str
) -> None:
    """Comments, layout and line ends are the author's own, and only one line was asked for."""
    path = write(migration(B, None), tmp_path)
    text = path.read_text("utf-8").replace("down_revision = None", f"down_revision = {value}  # später")
    path.write_bytes(text.replace("\n", end).encode())

    moved = follow(path, C)

    assert moved.down_revision == C
    told = value.strip("()\n ")
    assert path.read_bytes() == text.replace(told, f'"{C}"', 1).replace("\n", end).encode()
