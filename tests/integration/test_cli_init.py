"""`database-migration init`: it finds what is there, asks for the rest, and never replaces what a person wrote."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import command, program

EXAMPLE = Path(__file__).parents[2] / "examples" / "item_management"
FILE = "database-migration.toml"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of the sample application, which nobody has configured."""
    root = tmp_path / "application"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    (root / ".gitignore").write_text("*.pyc\n")
    return root


def configured(root: Path) -> dict[str, Any]:
    """Return the configuration that was written."""
    return tomllib.loads((root / FILE).read_text())


async def test_init_finds_what_the_project_says_of_itself(application: Path) -> None:
    """Models, code, tests, variables, and the collection of each table, although it is no plain singular."""
    ended = await command(application, "init", "--yes")

    assert ended.status == 0, ended.told
    assert "database-migration doctor" in ended.out
    found = configured(application)
    assert found["models"] == "app/models"
    assert found["code"] == ["app"]
    assert found["test_command"] == ["python", "-m", "pytest", "-q", "tests"]
    assert {table: names["mongodb"] for table, names in found["names"].items()} == {
        "items": "item",
        "item_types": "type",
        "locations": "location",
        "logs": "log",
        "users": "user",
    }
    assert found["targets"] == {
        "development": {
            "environment": "development",
            "postgres": "DATABASE_URL",
            "mongodb": "MONGO_URI",
            "db_type": "DB_TYPE",
        }
    }
    assert (application / ".gitignore").read_text().splitlines() == ["*.pyc", ".database-migration/"]


async def test_init_asks_and_writes_what_it_was_told(application: Path) -> None:
    """Enter takes what was found; anything else is believed."""
    answers = "\n".join(["", "PG_URL", "", "KIND", "staging", *[""] * 4, "people", ""])
    ended = await command(application, "init", answers=answers)

    assert ended.status == 0, ended.told
    assert "Folder of the models [app/models]" in ended.told
    found = configured(application)
    target = {"environment": "staging", "postgres": "PG_URL", "mongodb": "MONGO_URI", "db_type": "KIND"}
    assert found["targets"]["development"] == target
    assert found["names"]["users"] == {"mongodb": "people"}
    assert found["names"]["items"] == {"mongodb": "item"}


async def test_a_class_that_does_not_exist_is_asked_for_again(application: Path) -> None:
    """The class decides how strong approvals must be, so it is never guessed from a typing error."""
    ended = await command(
        application, "init", answers="\n".join(["", "", "", "", "prod", "production", *[""] * 6])
    )
    assert "'prod' is not one of" in ended.told
    assert configured(application)["targets"]["development"]["environment"] == "production"


async def test_init_interrupted_at_a_question_writes_nothing(application: Path) -> None:
    """Half a configuration would be worse than none."""
    ended = await command(application, "init", answers="app/models\n")
    assert ended.status == 1
    assert not (application / FILE).exists()
    assert (application / ".gitignore").read_text() == "*.pyc\n"


@pytest.mark.parametrize("there", ["file", "link", "pyproject", "unreadable"])
async def test_init_replaces_no_configuration(application: Path, there: str) -> None:
    """What a person wrote stays byte for byte, wherever it lies and whether or not it can be read."""
    file = application / ("pyproject.toml" if there == "pyproject" else FILE)
    if there == "link":
        file.symlink_to(application / "elsewhere.toml")
    else:
        words = {
            "file": "models = 'm'\n",
            "pyproject": "[tool.database-migration]\n",
            "unreadable": "models = \n",
        }
        file.write_text(words[there])
    before = None if there == "link" else file.read_bytes()
    ended = await command(application, "init", "--yes")

    assert ended.status == 1
    assert "configuration-invalid" in ended.told if there == "unreadable" else "edit it instead" in ended.told
    assert file.is_symlink() if before is None else file.read_bytes() == before
    assert not (application / "elsewhere.toml").exists()
    assert there != "pyproject" or not (application / FILE).exists()


async def test_init_twice_adds_one_line_to_gitignore(application: Path) -> None:
    """The second time after the file was removed."""
    for _ in range(2):
        assert (await command(application, "init", "--yes")).status == 0
        (application / FILE).unlink()
    assert (application / ".gitignore").read_text().count(".database-migration/") == 1


async def test_init_uses_the_project_that_the_environment_names(
    application: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every other command does; a folder that is not there is a mistake in the command."""
    environment = {"DATABASE_MIGRATION_PROJECT": str(application), "PYTHONPATH": str(EXAMPLE.parents[1])}
    ended = await program("-m", "skill_server", "init", "--yes", environment=environment, folder=tmp_path)
    assert ended.status == 0, ended.told
    assert (application / FILE).is_file()

    ended = await command(tmp_path / "nowhere", "init", "--yes")
    assert (ended.status, "does not exist" in ended.told) == (2, True)


async def test_an_empty_project_gets_a_configuration_to_fill(tmp_path: Path) -> None:
    """Nothing found is no error: the usual variables, and no models that are not there."""
    ended = await command(tmp_path, "init", "--yes", "--embedded")
    assert ended.status == 0, ended.told
    found = configured(tmp_path)
    assert "models" not in found
    assert found["default_target"] == "embedded"
    assert found["targets"]["embedded"] == {"environment": "development", "embedded": True}
