"""The skill is valid by the Agent Skills specification, and says when to use it."""

import re
import shutil
from pathlib import Path

import pytest
from skills_ref import read_properties, validate  # pyright: ignore[reportMissingTypeStubs] - it ships none

ROOT = Path(__file__).resolve().parents[2]
NAME = "database-migration"
PORTABLE_KEYS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
TRIGGERS = ("migrate", "database migration", "schema change", "update database", "db migration")
LINK = re.compile(r"\]\(([^)#]+)")


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """A copy under the skill's own name, as an assistant has it installed."""
    installed = tmp_path / NAME
    installed.mkdir()
    shutil.copy(ROOT / "SKILL.md", installed)
    shutil.copytree(ROOT / "references", installed / "references")
    return installed


def test_the_skill_is_valid_by_the_specification(skill: Path) -> None:
    """An invalid skill is not loaded at all, and nobody is told."""
    assert validate(skill) == []


def test_a_skill_under_another_name_is_noticed(skill: Path) -> None:
    """The validator looks at the folder's name too, so the test above can fail."""
    assert validate(skill.rename(skill.with_name("elsewhere")))


def test_the_skill_has_portable_keys_only() -> None:
    """Keys of one assistant make the skill invalid for the others."""
    front = (ROOT / "SKILL.md").read_text("utf-8").split("---\n")[1]

    assert set(re.findall(r"^([\w-]+):", front, re.MULTILINE)) <= PORTABLE_KEYS


@pytest.mark.parametrize("phrase", TRIGGERS)
def test_the_description_holds_the_words_that_people_say(skill: Path, phrase: str) -> None:
    """An assistant chooses a skill by its description alone."""
    assert f'"{phrase}"' in read_properties(skill).description


@pytest.mark.parametrize("near_miss", ["plain data edit", "question about SQL", "query tuning"])
def test_the_description_says_when_not_to_use_it(skill: Path, near_miss: str) -> None:
    """A skill that answers to everything is in the way."""
    _, found, rest = read_properties(skill).description.partition("Do not use it")

    assert found
    assert near_miss in rest


def test_the_skill_is_short_enough_to_be_read() -> None:
    """Everything in it is in an assistant's context; the specification asks for fewer than 500 lines."""
    assert len((ROOT / "SKILL.md").read_text("utf-8").splitlines()) < 500


def test_the_skill_leads_nowhere_but_to_what_is_installed_with_it(skill: Path) -> None:
    """References lie one level deep and come along; a link to another page of the repository would be dead."""
    pages = [skill / "SKILL.md", *(skill / "references").iterdir()]
    links = {(page, link) for page in pages for link in LINK.findall(page.read_text("utf-8"))}

    assert len(links) > 4
    assert [link for page, link in links if not (page.parent / link).is_file()] == []
