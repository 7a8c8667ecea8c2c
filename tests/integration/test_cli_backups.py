"""What a person sees of backups on the command line, and how the key of encrypted ones is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from skill_server.cli.main import cli
from tests.support.command_line import command
from tests.support.project import a_project, write_project
from tests.support.refusals import require_no_secret


async def test_backups_are_listed_with_what_they_are(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person in need has to see which folder can be put back, and how old and whole it is."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, _):
        await command(project.root, "detect-db-type")
        empty = await command(project.root, "backups")
        assert (empty.status, empty.out) == (0, "no folder of a backup anywhere\n")
        label = (await command(project.root, "backup", "--json")).json["label"]
        stray = project.root / ".database-migration" / "backups" / "20260101T000000Z-00000001"
        stray.mkdir(mode=0o700)
        told = await command(project.root, "backups")
        listed = (await command(project.root, "backups", "--json")).json["backups"]
        line = (await command(project.root, "status", "--json")).json["backups"]

    require_no_secret(project, told.told)
    assert {(row["label"], row["state"], row["where"]) for row in listed} == {
        (label, "proven", "local"),
        (stray.name, "unfinished", "local"),
    }
    assert listed[0]["label"] == label
    assert f"{label} | proven | local" in told.out
    assert [(row["label"], row["where"], row["sealed"]) for row in line] == [(label, ["local"], False)]
    assert set(line[0]["point_in_time"]) <= {"postgres", "mongodb"}
    assert line[0]["spread_s"] >= 0


def test_a_key_is_made_outside_of_the_project_once(tmp_path: Path) -> None:
    """In the project it would be saved and shared beside what it opens."""
    root = tmp_path / "project"
    root.mkdir()
    write_project(root)
    inside = CliRunner().invoke(
        cli, ["--project", str(root), "backup-key", str(root / "keys" / "backup.key")]
    )
    file = tmp_path / "backup.key"
    made = CliRunner().invoke(cli, ["--project", str(root), "backup-key", str(file)])
    again = CliRunner().invoke(cli, ["--project", str(root), "backup-key", str(file)])

    assert (inside.exit_code, made.exit_code, again.exit_code) == (1, 0, 1)
    assert "inside of the project" in inside.output
    assert not (root / "keys").exists()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "public key age1" in made.output
    assert "SECRET" not in made.output
    assert "is there already" in again.output
