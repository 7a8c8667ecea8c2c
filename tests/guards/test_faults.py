"""The page of faults names tests that exist, and each fault has one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
# Of the list that backups, rehearsals and restores were built against; the others concern the run of a change.
FAULTS = [*range(1, 11), *range(28, 31), 34, *range(39, 43), *range(45, 50), 52]
ROW = re.compile(r"^\| (F\d\d) \|.*\|([^|]*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def named_for(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return the tests of each fault, as files and names."""
    return {fault: TEST.findall(cell) for fault, cell in ROW.findall(page)}


def missing(tests: list[tuple[str, str]]) -> list[str]:
    """Return the tests that are not there."""
    found: list[str] = []
    for file, name in tests:
        path = ROOT / file
        tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.Module([], [])
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        if not any(isinstance(node, functions) and node.name == name for node in tree.body):
            found.append(f"{file}::{name}")
    return found


def test_every_fault_of_the_list_has_its_row_and_a_test() -> None:
    """A fault without a test is a promise that nobody keeps."""
    known = named_for(PAGE.read_text("utf-8"))

    assert sorted(known) == [f"F{number:02}" for number in FAULTS]
    assert [fault for fault, tests in known.items() if not tests] == []


def test_every_test_that_the_page_names_exists() -> None:
    """A renamed test would leave its fault without one, unseen."""
    named = [test for tests in named_for(PAGE.read_text("utf-8")).values() for test in tests]

    assert missing(named) == []


def test_every_file_that_the_page_names_exists() -> None:
    """The checksums' tests are named as files."""
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE.read_text("utf-8")))

    assert {name for name in named if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("test", ["tests/guards/test_faults.py::test_gone", "tests/gone.py::test_gone"])
def test_a_test_that_is_gone_is_noticed(test: str) -> None:
    """The guard itself must be able to fail."""
    page = f"| F01 | it breaks | so | thus | `{test}` |\n"

    assert missing(named_for(page)["F01"]) == [test]
