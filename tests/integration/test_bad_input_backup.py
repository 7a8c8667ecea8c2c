"""No room for the backup, and places where others could read it: refused, and nothing is left behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from skill_server.model.receipt import EventKind
from tests.support.command_line import program
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, refusal, require_no_secret, require_readable

Place = tuple[Project, Application]


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A detected project."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await call(found[1], "detect_db_type")
        yield found


def backups(project: Project) -> Path:
    """Return the folder of the backups."""
    return project.root / ".database-migration" / "backups"


@pytest.mark.parametrize(("full", "largest_file_bytes"), [("postgres", 1_000), ("mongodb", 60_000)])
async def test_a_backup_without_room_fails_and_leaves_no_file(
    place: Place, full: str, largest_file_bytes: int
) -> None:
    """The limit of file size stands for the full disk: writing fails in the middle, and both halves are removed."""
    project, app = place
    if full == "mongodb":
        database = project.on_mongodb()
        async with database.client:
            await database["owner"].insert_one({"OwnerID": 4, "Name": "large", "Image": os.urandom(90_000)})
    before = await content(app)
    ended = await program(
        *("-m", "skill_server", "backup", "--json"),
        environment=project.environment,
        folder=project.root,
        largest_file_bytes=largest_file_bytes,
    )

    assert ended.status == 1, ended.told
    found = ended.json
    phrases = ("disk of the backup", "Free space")
    require_readable(found["code"], found["message"], found["help"], code="backup-no-space", phrases=phrases)
    require_no_secret(project, ended.told)
    assert list(backups(project).rglob("*")) == []
    assert await content(app) == before
    kinds = [event.kind for event in await (await app.target(None)).ledger.events()]
    assert EventKind.BACKUP not in kinds


def open_to_others(project: Project) -> None:
    """Let the group read the backups."""
    backups(project).mkdir(parents=True)
    backups(project).chmod(0o750)


def linked(project: Project) -> None:
    """Lead the backups elsewhere by a link."""
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    backups(project).parent.mkdir(mode=0o700)
    backups(project).symlink_to(elsewhere)


def linked_above(project: Project) -> None:
    """Lead the whole state folder elsewhere by a link."""
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    backups(project).parent.symlink_to(elsewhere)


def a_file(project: Project) -> None:
    """Put a file where the folder should be."""
    backups(project).parent.mkdir(mode=0o700)
    backups(project).touch()


@pytest.mark.parametrize("spoiled", [open_to_others, linked, linked_above, a_file])
async def test_a_backup_folder_that_is_not_private_is_refused(place: Place, spoiled: object) -> None:
    """A backup holds every value of both databases, so nobody else may read it or choose where it goes."""
    project, app = place
    assert callable(spoiled)
    spoiled(project)
    async with refusal(project, app, "directory-not-private", "backups", "mode 0700"):
        await call(app, "backup")
    assert not any((project.root.parent / "elsewhere").rglob("*"))


def swapped(folder: Path) -> None:
    """Put a link in the place of the backup, to a folder with the same content."""
    folder.rename(folder.parent.parent / "moved")
    folder.symlink_to(folder.parent.parent / "moved")


def readable(folder: Path) -> None:
    """Let others read the backup."""
    folder.chmod(0o755)


async def test_a_backup_that_was_swapped_or_opened_to_others_is_not_put_back(place: Place) -> None:
    """F52: whoever can write there could exchange what is restored, so neither the folder nor a file may be a link."""
    project, app = place
    label = (await call(app, "backup")).label
    folder = backups(project) / label
    swapped(folder)
    async with refusal(project, app, "directory-not-private", label, "mode 0700"):
        await call(app, "restore_backup", label=label)
    folder.unlink()
    (folder.parent.parent / "moved").rename(folder)
    readable(folder)
    async with refusal(project, app, "directory-not-private", label, "mode 0700"):
        await call(app, "restore_backup", label=label)
    folder.chmod(0o700)
    file = next(path for path in sorted((folder / "postgres").iterdir()) if path.is_file())
    file.rename(folder.parent.parent / "moved")
    file.symlink_to(folder.parent.parent / "moved")
    shown = await call(app, "restore_backup", label=label)

    line = next(item for item in shown.checklist if item["id"] == "restore_source_is_intact")
    assert line["state"] == "unmet"
    assert file.name in line["evidence"]
