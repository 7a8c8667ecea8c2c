"""Each change beside the plan it makes: a reviewer sees in a diff what every edit does to users' databases.

`UPDATE_GOLDEN=1` writes the files anew; the tests then fail once, so that nobody does it unseen.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skill_server import changes
from tests.golden.plans import BEFORE, HERE, golden_files

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
CODE = {"cookbook.py", "plans.py", "test_cookbook.py", "test_golden.py", "test_squawk.py"}
FOLDERS = sorted(path.parent for path in HERE.glob("*/change.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_change_makes_the_plan_that_was_agreed_on(folder: Path) -> None:
    """SQL and commands are what users run, so a change of one character has to be seen and meant."""
    expected = golden_files(folder)
    found = {path.name: path.read_text() for path in folder.iterdir() if path.name != "change.json"}
    if UPDATE and found != expected:
        for name in found.keys() - expected.keys():
            (folder / name).unlink()
        for name, text in expected.items():
            (folder / name).write_text(text)
        pytest.fail(f"wrote {folder.name} anew; look at the difference")
    assert found == expected


def test_every_change_that_an_author_may_list_has_a_golden_plan() -> None:
    """A new change comes with a plan that a reader can look at."""
    kinds = {json.loads((folder / "change.json").read_text())["kind"] for folder in FOLDERS}
    assert kinds == set(changes.authored())


def test_no_golden_file_is_left_over() -> None:
    """A file that no test reads looks like a promise and is none."""
    read = {BEFORE, *(HERE / name for name in CODE)}
    for folder in FOLDERS:
        read |= {folder / "change.json", *(folder / name for name in golden_files(folder))}
    there = {path for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert sorted(there - read) == []


def test_a_plan_that_differs_is_noticed(tmp_path: Path) -> None:
    """A golden test that accepts anything guards nothing."""
    change = json.loads((FOLDERS[0] / "change.json").read_text())
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "change.json").write_text(json.dumps({**change, "entity": "owners"}))
    assert golden_files(folder) != golden_files(FOLDERS[0])
