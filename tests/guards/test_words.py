"""The core speaks of entities, fields and records; words of one database stay in the room of that database."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "skill_server"
ALLOWED = Path(__file__).with_name("allowed_words.toml")

ROOMS_WITH_OWN_WORDS = {"backends", "embedded"}
LEAKS = {
    plural: word
    for word in ("table", "column", "row", "collection", "document")
    for plural in (word, f"{word}s")
}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# In a docstring, what stands in backticks quotes a database and is no word of ours.
QUOTED = re.compile(r"``?[^`]+``?")


class Leak(NamedTuple):
    """A word of one database, and the file of the core that says it."""

    path: str
    word: str


def names(tree: ast.Module) -> Iterator[str]:
    """Yield every name that a module gives; names that belong to a library are only used, never given."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)):
                yield name
            case _:
                pass


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Yield every docstring of a module, without what it quotes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield QUOTED.sub("", ast.get_docstring(node) or "")


def leaks(package: Path) -> set[Leak]:
    """Return the words of one database that the core of a package says."""
    found: set[Leak] = set()
    for path in package.rglob("*.py"):
        relative = path.relative_to(package)
        if relative.parts[0] in ROOMS_WITH_OWN_WORDS:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for text in (*names(tree), *docstrings(tree)):
            words = (word.lower() for word in WORD.findall(text))
            found |= {Leak(relative.as_posix(), LEAKS[word]) for word in words if word in LEAKS}
    return found


def allowed() -> set[Leak]:
    """Return the exceptions, each of which must give its reason."""
    entries = tomllib.loads(ALLOWED.read_text("utf-8"))["allow"]
    assert all(entry["reason"] for entry in entries)
    return {Leak(path, word) for entry in entries for path in entry["paths"] for word in entry["words"]}


def test_the_core_speaks_neutral_words() -> None:
    """A core that says table or collection has begun to know which database it works on."""
    assert sorted(leaks(PACKAGE) - allowed()) == []


def test_every_exception_is_still_needed() -> None:
    """An exception that outlives its reason hides the next leak."""
    assert sorted(allowed() - leaks(PACKAGE)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def drop_table() -> None: ...",
        "class RowCount: ...",
        "def f(columns: int) -> None: ...",
        "documentRef = 1",
        "def f() -> None:\n    '''Count the rows of a collection.'''",
    ],
)
def test_a_leaked_word_is_noticed(tmp_path: Path, source: str) -> None:
    """Names in every style and docstrings are all read."""
    (tmp_path / "planted.py").write_text(source)

    assert leaks(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "immutable = documented = arrow = 1",
        "from rich.table import Table",
        "x.column()",
        "'''Say `table`.'''",
    ],
)
def test_an_innocent_word_is_left_alone(tmp_path: Path, source: str) -> None:
    """A guard that cries at everything is soon switched off."""
    (tmp_path / "planted.py").write_text(source)

    assert not leaks(tmp_path)
