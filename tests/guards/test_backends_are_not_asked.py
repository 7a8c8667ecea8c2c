"""Nobody outside of a database's own room asks which database it is: the backends say themselves what differs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "skill_server"
# Where a database is opened, configured or started, somebody has to know which one it is.
MAY_ASK = (
    "backends/postgres",
    "backends/mongo",
    "backends/__init__.py",
    "embedded",
    "settings.py",
    "cli/doctor.py",
)
MEMBERS = {"POSTGRES", "MONGODB"}


def names_a_backend(node: ast.AST) -> bool:
    """Say whether an expression is a member of `BackendKind`, or holds one in a tuple, list or set."""
    match node:
        case ast.Attribute(value=ast.Name(id="BackendKind") | ast.Attribute(attr="BackendKind"), attr=name):
            return name in MEMBERS
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(names_a_backend(part) for part in parts)
        case _:
            return False


def asking(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that compare with a database: `==`, `is`, `in`, their opposites, and `case`."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                if any(names_a_backend(part) for part in (left, *others)):
                    yield node.lineno
            case ast.MatchValue(value=value) if names_a_backend(value):
                yield node.lineno
            case _:
                pass


def test_no_line_of_the_core_asks_which_database_it_is() -> None:
    """A third database, or a change of one, must not send its author through the whole package."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.relative_to(PACKAGE).as_posix().startswith(MAY_ASK)
        for line in asking(ast.parse(path.read_text("utf-8")))
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "x == BackendKind.POSTGRES",
        "x is not BackendKind.MONGODB",
        "BackendKind.POSTGRES is x",
        "x in (BackendKind.POSTGRES, y)",
        "x != ids.BackendKind.POSTGRES",
        "[y for y in z if y is BackendKind.POSTGRES]",
        "match x:\n    case BackendKind.MONGODB:\n        pass",
        "match x:\n    case BackendKind.MONGODB | None:\n        pass",
        "match x:\n    case (BackendKind.POSTGRES, _):\n        pass",
    ],
)
def test_every_way_to_ask_is_found(source: str) -> None:
    """A guard that overlooks one form invites it."""
    assert list(asking(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["x[BackendKind.POSTGRES]", "f(BackendKind.MONGODB)", "x == y", "x.kind is y.kind"]
)
def test_naming_a_database_is_no_question(source: str) -> None:
    """The model of the application is that of one database, which is chosen by name."""
    assert list(asking(ast.parse(source))) == []
