"""The digest of what tests run changes with code, and with nothing that a run of tests leaves behind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from skill_server.project import tested

COMMAND = ("python", "-m", "pytest", "--config=conf/odd.settings", "checks/data.txt::one", "x" * 9000, "a\0b")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with code, tests, and a place outside that its models are in."""
    for name in (
        "project/app/shop.py",
        "project/tests/test_shop.py",
        "project/conf/odd.settings",
        "project/checks/data.txt",
        "project/migrations/m.py",
        "models/items.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    return tmp_path / "project"


def digest(root: Path) -> str | None:
    """Return the digest of the project as a rehearsal takes it."""
    return tested.tested_files(
        root,
        places=[root.parent / "models", root / "nowhere"],
        command=COMMAND,
        leave_out=[root / "migrations"],
    )


@pytest.mark.parametrize(
    "name",
    [
        "app/shop.py",
        "tests/test_shop.py",
        "tests/new.py",
        "conf/odd.settings",
        "checks/data.txt",
        "Makefile",
        "pyproject.toml",
        "web/Cart.TS",
        "../models/items.py",
    ],
)
def test_another_file_of_code_is_another_digest(root: Path, name: str) -> None:
    """Whatever the tests may run counts, wherever the configuration or the command puts it."""
    before = digest(root)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("2")

    assert before is not None
    assert digest(root) not in (None, before)


@pytest.mark.parametrize(
    "name",
    [
        "junit.xml",
        "report.json",
        "tests/__pycache__/a.py",
        ".cache/a.py",
        ".database-migration/backups/a.sql",
        "node_modules/a/index.js",
        "env/lib/a.py",
        "migrations/later.py",
        "app.log",
        "data.sqlite",
    ],
)
def test_what_is_no_code_of_the_project_changes_nothing(root: Path, name: str) -> None:
    """Else a run of tests would undo itself by its own report."""
    (root / "env").mkdir()
    (root / "env" / "pyvenv.cfg").touch()
    before = digest(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("2")

    assert digest(root) == before


def moved(file: Path) -> None:
    """Give a file another name."""
    file.rename(file.with_name("moved.py"))


def gone(file: Path) -> None:
    """Remove a file."""
    file.unlink()


def unreadable(file: Path) -> None:
    """Leave a link that leads nowhere."""
    file.unlink()
    file.symlink_to("/nowhere/at/all.py")


@pytest.mark.parametrize("change", [moved, gone, unreadable])
def test_a_file_that_is_not_where_it_was_is_another_digest(
    root: Path, change: Callable[[Path], None]
) -> None:
    """The same content under another name is run by other tests, or by none."""
    before = digest(root)
    change(root / "app" / "shop.py")

    assert digest(root) not in (None, before)


def test_the_digest_is_the_same_wherever_the_project_lies(root: Path) -> None:
    """A server in a container and one beside it look at the same ledger."""
    before = digest(root)
    moved = root.parent / "elsewhere" / "project"
    moved.parent.mkdir()
    root.rename(moved)
    (root.parent / "models").rename(moved.parent / "models")

    assert digest(moved) == before


def test_of_more_code_than_can_be_read_there_is_no_digest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digest of a part would promise something of the rest."""
    monkeypatch.setattr(tested, "MOST_FILES", 3)

    assert digest(root) is None
