"""Rules about the files themselves: their size, what no text may say, and names that agree with what they hold."""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 300
MOST_FILES = 40
BACKEND_ROOMS = {"schema", "render", "run", "records", "backup", "restore", "verify"}

# The brackets keep these patterns from finding themselves.
BANNED_TEXT = re.compile(
    r"deb[.]debian|pypi[.]org/simple|files[.]pythonhosted|registry[.]npmjs"
    r"|(?<![\w.])/wor[k]/|(?<![\w.])/roo[t]/|/tmp/[w]/|\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b"
)


def source_files() -> list[Path]:
    """Return every file that is tracked or about to be, without those deleted but not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def too_long(path: Path) -> bool:
    """Return whether a file has more lines than fit on a few screens."""
    return len(path.read_text("utf-8").splitlines()) > LONGEST


def banned_lines(path: Path) -> Iterator[str]:
    """Yield each line of a text file that names a registry host or a machine path, or leaves work open."""
    content = path.read_bytes()
    if b"\0" in content:
        return
    for number, line in enumerate(content.decode().splitlines(), start=1):
        if found := BANNED_TEXT.search(line):
            yield f"{path.name}:{number}: {found.group()}"


def kinds(tree: ast.Module) -> set[str]:
    """Return the values of the `kind` fields that classes of a module declare."""
    return {
        str(statement.value.value)
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.target.id == "kind"
        and isinstance(statement.value, ast.Constant)
    }


def functions(tree: ast.Module) -> set[str]:
    """Return the names of the public functions of a module."""
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }


def rules(tree: ast.Module) -> set[str]:
    """Return the rule ids that a module gives to its findings, written as module names."""
    return {
        str(word.value.value).replace("-", "_")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "rule" and isinstance(word.value, ast.Constant)
    }


ROOMS: dict[str, Callable[[ast.Module], set[str]]] = {
    "changes": kinds,
    "gate/preconditions": functions,
    "review/rules": rules,
    "verify/checks": functions,
    "tools": functions,
}


def misnamed(room: Path, ids: Callable[[ast.Module], set[str]]) -> Iterator[str]:
    """Yield each module of a room that does not hold exactly the id in its file name."""
    for path in sorted(room.glob("*.py")):
        if path.stem.startswith("_"):
            continue
        found = ids(ast.parse(path.read_text("utf-8")))
        if found != {path.stem}:
            yield f"{path.name} holds {', '.join(sorted(found)) or 'nothing'}"


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    """A file owns one concern, and 300 lines are more than enough for one."""
    python = [path for path in source_files() if path.suffix == ".py"]

    assert python
    assert [str(path) for path in python if too_long(path)] == []


def test_no_room_holds_more_files_than_a_reader_can_survey() -> None:
    """A folder with a hundred files says nothing about where to look."""
    rooms = Counter(path.parent for path in source_files() if path.suffix == ".py")

    assert rooms
    assert {str(room): files for room, files in rooms.items() if files > MOST_FILES} == {}


@pytest.mark.parametrize("backend", ["postgres", "mongo"])
def test_both_backends_have_the_same_rooms(backend: str) -> None:
    """Who knows the way around one of them knows the other."""
    inside = {
        path.parent.name for path in (ROOT / "skill_server" / "backends" / backend).glob("*/__init__.py")
    }

    assert inside >= BACKEND_ROOMS


def test_no_text_names_a_registry_a_machine_or_work_left_open() -> None:
    """The repository builds anywhere and says nothing that only holds where it was written."""
    assert [line for path in source_files() for line in banned_lines(path)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_file_of_a_room_holds_the_id_that_names_it(room: str) -> None:
    """A reader finds a change, precondition, rule, check or tool by its file name, and discovery relies on it."""
    directory = ROOT / "skill_server" / room

    assert directory.is_dir()
    assert list(misnamed(directory, ROOMS[room])) == []


@pytest.mark.parametrize(
    "text",
    ["see /wor" + "k/here", 'open("/roo' + 't/x")', "TOD" + "O: later", "http://deb" + ".debian.org"],
)
def test_a_banned_text_is_noticed(tmp_path: Path, text: str) -> None:
    """A guard that cannot fail guards nothing."""
    (tmp_path / "planted.md").write_text(f"fine\n{text}\n")

    assert len(list(banned_lines(tmp_path / "planted.md"))) == 1


def test_a_file_of_three_hundred_and_one_lines_is_noticed(tmp_path: Path) -> None:
    """The limit holds at its edge."""
    planted = tmp_path / "planted.py"
    planted.write_text("x = 1\n" * LONGEST)
    assert not too_long(planted)

    planted.write_text("x = 1\n" * (LONGEST + 1))
    assert too_long(planted)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("changes", 'class A(Change):\n    kind: Literal["other"] = "other"\n'),
        ("gate/preconditions", "async def other() -> None: ...\n"),
        ("review/rules", 'def planted(plan):\n    yield Finding(rule="other-rule")\n'),
        ("verify/checks", "async def other() -> None: ...\n"),
        ("tools", "async def other() -> None: ...\n"),
    ],
)
def test_a_file_that_holds_another_id_is_noticed(tmp_path: Path, room: str, source: str) -> None:
    """Each room's way of reading ids must see a wrong one."""
    (tmp_path / "planted.py").write_text(source)

    assert len(list(misnamed(tmp_path, ROOMS[room]))) == 1
