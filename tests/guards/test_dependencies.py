"""What the package imports is what its distribution declares."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# The embedded pair is started only by the demo, so its servers are an extra and not part of a plain install; so is
# what encrypts backups or sends them away, for projects that ask for it.
EXTRAS = {
    "embedded": "demo",
    "backup/sealing.py": "encryption",
    "backup/keys.py": "encryption",
    "backup/destination.py": "remote",
}
# Published with the second name at one exact version, and documented as part of it. mcp-types is left out, because
# the import contract of mcp would not see it; its names are reached through mcp.types.
PARTS = {"pydantic-core": "pydantic"}
# Not installed with the package: the demo shows the sample application of a checkout, and says so elsewhere.
OF_THE_CHECKOUT = {"cli/demo.py": {"examples"}}


def distribution(requirement: str) -> str:
    """Return the normalised name in a requirement."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level name of every absolute import of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case _:
                pass


def undeclared(package: Path) -> set[str]:
    """Return each import of a package that no declared requirement brings, with the file that says it."""
    providers = packages_distributions()
    found: set[str] = set()
    for path in package.rglob("*.py"):
        relative = path.relative_to(package)
        extra = EXTRAS.get(relative.parts[0]) or EXTRAS.get(relative.as_posix())
        requirements = [*PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] if extra else ())]
        declared = {distribution(requirement) for requirement in requirements}
        declared |= {part for part, whole in PARTS.items() if whole in declared}
        found |= {
            f"{relative}: {name}"
            for name in imported(path)
            if name not in {"skill_server", *OF_THE_CHECKOUT.get(relative.as_posix(), ())}
            and name not in sys.stdlib_module_names
            and declared.isdisjoint(distribution(provider) for provider in providers.get(name, ()))
        }
    return found


def test_every_import_is_a_declared_dependency() -> None:
    """A development install holds far more than a user's, so an undeclared import would only fail for users."""
    assert sorted(undeclared(ROOT / "skill_server")) == []


@pytest.mark.parametrize(
    "source", ["import pytest", "from hypothesis import given", "import nothing_of_that_name"]
)
def test_an_undeclared_import_is_noticed(tmp_path: Path, source: str) -> None:
    """A tool of the developers is not a dependency of the product."""
    (tmp_path / "planted.py").write_text(source)

    assert undeclared(tmp_path)


def test_declared_and_standard_imports_are_left_alone(tmp_path: Path) -> None:
    """Import names differ from distribution names, and the guard knows both."""
    (tmp_path / "planted.py").write_text("import os, bson\nfrom mcp.types import Tool\nimport skill_server\n")

    assert undeclared(tmp_path) == set()
