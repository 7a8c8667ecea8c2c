"""Backups on real databases: sealed, copied away, brought back, let go in the ledger's order, and never half there."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
import pytest_asyncio
from typing_extensions import override

from skill_server.application import (
    approving,
    backing_up,
    detecting,
    listing,
    planning,
    rehearsing,
    restoring,
    status,
)
from skill_server.application.application import Application
from skill_server.application.backing_up import Taken
from skill_server.backup import keys, take
from skill_server.backup import manifest as manifests
from skill_server.errors import MigrationError, Refused
from skill_server.ledger import ledger
from skill_server.model import content as contents
from skill_server.model.receipt import EventKind
from skill_server.plan import build
from tests.support.project import Project, a_project, content
from tests.workflow.test_rehearsal_forecast import planned

Place = tuple[Project, Application]


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A detected project that keeps one backup, seals all, and copies them to another folder of this machine."""
    key = tmp_path / "server" / "backup.key"
    keys.create(key)
    monkeypatch.setenv(keys.VARIABLE, str(key))
    monkeypatch.setenv("DATABASE_MIGRATION_BACKUP_DESTINATION", f"file://{tmp_path}/away")
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, first):
        file = project.root / "database-migration.toml"
        file.write_text(
            "backup_keep_last = 2\nbackup_keep_days = 0\nencrypt_backups = true\n" + file.read_text()
        )
        await first.close()
        app = Application(project.root)
        await detecting.detect_databases(app, None)
        try:
            yield project, app
        finally:
            await app.close()


async def backed_up(app: Application) -> Taken:
    """Take a backup."""
    return await backing_up.back_up(await app.session(None))


async def where(app: Application) -> dict[str, tuple[str, ...]]:
    """Return where the status says that backups are, newest first."""
    found = await status.read_status(await app.session(None))
    return {line.label: line.where for line in found.backups}


async def test_sealed_backups_go_away_in_order_and_come_back_for_a_restore(
    place: Place, tmp_path: Path
) -> None:
    """The whole life of a backup: sealed, shipped, kept only away, fetched for a restore, and let go."""
    project, app = place
    before = await content(app)
    mask = os.umask(0)
    try:
        oldest = await backed_up(app)
        wanted = await backed_up(app)
        newest = await backed_up(app)
    finally:
        os.umask(mask)
    labels = [taken.manifest.label for taken in (newest, wanted, oldest)]

    assert newest.tidied.removed == (labels[2],)
    assert wanted.tidied.only_at_destination == (labels[2],)
    assert newest.tidied.only_at_destination == (labels[1],)
    assert await where(app) == {labels[0]: ("local", "destination"), labels[1]: ("destination",)}
    folders = await listing.folders(await app.session(None))
    assert {(line.label, line.where, line.state) for line in folders} == {
        (labels[0], "local", "proven"),
        (labels[0], "destination", "proven"),
        (labels[1], "destination", "proven"),
    }
    _require_private_and_sealed(project, newest)

    await project.on_postgres('DELETE FROM items WHERE "ItemID" > 4')
    proposal = await planning.propose_restore(await app.session(None), labels[1])
    await approving.approve_by_answer(await app.session(None), proposal)
    # A restore asks for a backup of what is there now; the one to put back must survive it.
    await backed_up(app)
    assert labels[1] in await where(app)
    await restoring.restore(await app.session(None), proposal)
    after = await content(app)
    assert after[0] == before[0]
    assert contents.compare(before[1], after[1]) == ()


def _require_private_and_sealed(project: Project, taken: Taken) -> None:
    """Check modes and contents of what lies on the disk."""
    directory = project.root / ".database-migration" / "backups"
    found = list(directory.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
    folder = directory / taken.manifest.label
    sealed = [folder / name for name in taken.manifest.files if (folder / name).stat().st_size]
    plain = {path.name for path in sealed if not path.read_bytes().startswith(b"age-encryption.org/v1\n")}
    # The note of the PostgreSQL half names roles and hashes, and no value.
    assert plain <= {"postgres.json"}
    read = manifests.read(folder)
    assert (read.sealed, read.format, read.digest) == ("age", 2, taken.receipt.bound["manifest"])


async def test_a_backup_says_its_moments_and_how_far_they_lie_apart(place: Place) -> None:
    """F45: one label for both halves; what was written between their moments is in one of them only."""
    _, app = place
    began = datetime.now(UTC)
    taken = await backed_up(app)
    found = (await status.read_status(await app.session(None))).backups[0]

    assert taken.manifest.fence is not None
    # The servers' clocks are those of this machine here.
    assert abs(taken.manifest.fence - began) < timedelta(minutes=2)
    assert taken.manifest.spread_s == found.spread_s == taken.receipt.body["spread_s"]
    assert found.spread_s is not None
    assert 0 <= found.spread_s < 120


async def test_a_backup_that_could_not_be_copied_away_does_not_count(place: Place, tmp_path: Path) -> None:
    """A policy asked for a copy elsewhere, so nothing may run on the strength of this one; the next call cleans up."""
    _, app = place
    (tmp_path / "away").touch()
    with pytest.raises(MigrationError) as failure:
        await backed_up(app)
    assert failure.value.code == "backup-not-shipped"
    assert EventKind.BACKUP not in [event.kind for event in await (await app.target(None)).ledger.events()]
    left = await listing.folders(await app.session(None))
    assert [line.state for line in left] == ["unproven"]
    (tmp_path / "away").unlink()
    taken = await backed_up(app)

    assert list(await where(app)) == [taken.manifest.label]
    assert {line.label for line in await listing.folders(await app.session(None))} == {taken.manifest.label}


async def test_without_its_key_nothing_begins_and_with_another_nothing_is_restored(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key must end in words, before the live databases are touched."""
    project, app = place
    taken = await backed_up(app)
    before = await content(app)
    proposal = await planning.propose_restore(await app.session(None), taken.manifest.label)
    await approving.approve_by_answer(await app.session(None), proposal)
    keys.create(tmp_path / "server" / "other.key")
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "server" / "other.key"))
    other = Application(project.root)
    try:
        with pytest.raises(MigrationError) as failure:
            await restoring.restore(await other.session(None), proposal)
        assert failure.value.code == "backup-key-missing"
        assert contents.compare(before[1], (await content(app))[1]) == ()
    finally:
        await other.close()
    monkeypatch.delenv(keys.VARIABLE)
    without = Application(project.root)
    try:
        with pytest.raises(MigrationError) as refusal:
            await backing_up.back_up(await without.session(None))
        assert refusal.value.code == "backup-key-missing"
    finally:
        await without.close()


class Backward(datetime):
    """A clock that was set back by a year."""

    @override
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(days=365)


async def test_a_clock_that_was_set_back_does_not_change_which_backup_is_the_newest(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F28: the label of the second sorts before that of the first, and it is the second that counts."""
    _, app = place
    first = await backed_up(app)
    for room in (ledger, take):
        monkeypatch.setattr(room, "datetime", Backward)
    second = await backed_up(app)
    third = await backed_up(app)

    assert second.manifest.label < first.manifest.label
    assert list(await where(app)) == [third.manifest.label, second.manifest.label]
    assert third.tidied.removed == (first.manifest.label,)
    session = await app.session(None)
    newest = [event for event in session.events if event.kind is EventKind.BACKUP][-1]
    assert newest.bound["label"] == third.manifest.label


async def test_a_disk_with_room_for_one_half_only_is_refused_before_the_first_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each database's own check would pass, and the disk would be full when the second is half written."""
    project, app = place
    session = await app.session(None)
    wanted = [await backend.backup_bytes() for backend in session.pair]
    free = sum(wanted) - min(wanted) // 2

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", usage)
        with pytest.raises(MigrationError, match="mongodb") as refusal:
            await backed_up(app)

    assert refusal.value.code == "backup-no-space"
    assert max(wanted) < refusal.value.detail["free_bytes"] == free < refusal.value.detail["needed_bytes"]
    assert list((project.root / ".database-migration" / "backups").iterdir()) == []


@pytest.mark.parametrize("other", [False, True])
async def test_a_backup_without_its_key_is_refused_wherever_it_is_needed(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other: bool
) -> None:
    """Said before the application is stopped, with the key to look for, and not as damage at the end."""
    project, _ = place
    plan_id = await planned(place[1], project)
    if other:
        keys.create(tmp_path / "server" / "other.key")
        monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "server" / "other.key"))
    else:
        monkeypatch.delenv(keys.VARIABLE)
    app = Application(project.root)
    try:
        session = await app.session(None)
        proposal = planning.recall(session, plan_id)
        refused: list[Refused] = []
        for asked in (
            planning.propose_restore(session, session.backup_for(proposal.plan).bound["label"]),
            rehearsing.rehearse_plan(session, plan_id),
        ):
            with pytest.raises(Refused) as refusal:
                await asked
            refused.append(refusal.value)
        gates = await session.checklist("upgrade", proposal.plan)
        label = session.backup_for(proposal.plan).bound["label"]
        going_back = build.restore(
            label=label,
            subject=session.backup_for(proposal.plan).bound["manifest"],
            target=session.identity,
            source=proposal.plan.source,
        )
        restore = await session.checklist("restore", going_back)
    finally:
        await app.close()

    assert [refusal.code for refusal in refused] == ["backup-key-missing"] * 2
    assert all(keys.VARIABLE in refusal.help for refusal in refused)
    assert {item.id: item.code for item in gates.items}["backup_is_verified"] == "backup-key-missing"
    assert {item.id: item.code for item in restore.items}["restore_source_is_intact"] == "backup-key-missing"
