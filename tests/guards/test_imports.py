"""Imports flow one way; each contract that says so is broken once on purpose, to see that it would be noticed."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as c; c()",
    "--no-logo",
    "--no-cache",
]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
    "importlinter"
]["contracts"]


class Breach(NamedTuple):
    """Imports that one contract forbids, planted in a copy of the package, by the file that holds them."""

    contract: str
    planted: dict[str, str]


def pair(contract: str, room: str) -> Breach:
    """Return two modules of a room, one of which imports the other."""
    dotted = room.replace("/", ".")
    return Breach(
        contract,
        {
            f"{room}/planted_{contract.replace('-', '_')}.py": f"import skill_server.{dotted}.planted_neighbour",
            f"{room}/planted_neighbour.py": "",
        },
    )


BREACHES = (
    Breach("layers", {"model/planted_layers.py": "import skill_server.backends.base"}),
    Breach("asyncpg", {"ledger/planted_asyncpg.py": "import asyncpg"}),
    Breach("mongo-drivers", {"ledger/planted_mongo_drivers.py": "import bson"}),
    Breach("mcp", {"gate/planted_mcp.py": "import mcp"}),
    Breach(
        "concrete-backends", {"ledger/planted_concrete_backends.py": "import skill_server.backends.mongo"}
    ),
    Breach(
        "backends-apart",
        {"backends/mongo/planted_backends_apart.py": "import skill_server.backends.postgres"},
    ),
    Breach("pure-rooms", {"plan/planted_pure_rooms.py": "import subprocess"}),
    pair("changes-apart", "changes"),
    pair("preconditions-apart", "gate/preconditions"),
    pair("rules-apart", "review/rules"),
    pair("checks-apart", "verify/checks"),
    pair("tools-apart", "tools"),
)


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run every contract over the package in a directory."""
    return subprocess.run(LINT, cwd=directory, capture_output=True, text=True, check=False)


def sections(report: str) -> dict[str, str]:
    """Return what a report says about each broken contract, by the contract's name."""
    _, _, broken = report.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-+\n", broken, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what import-linter says about a copy of the package in which every contract is broken."""
    copy = tmp_path_factory.mktemp("broken")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(
        ROOT / "skill_server", copy / "skill_server", ignore=shutil.ignore_patterns("__pycache__")
    )
    for breach in BREACHES:
        for name, text in breach.planted.items():
            (copy / "skill_server" / name).write_text(f"{text}\n")
    (copy / "skill_server" / "planted_room.py").write_text("")
    return sections(lint(copy).stdout)


def test_imports_keep_every_contract() -> None:
    """The direction of imports is what lets a room be read, tested and replaced by itself."""
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_has_a_breach_here() -> None:
    """A contract that nobody has seen fail may be one that cannot."""
    assert [contract["id"] for contract in CONTRACTS] == [breach.contract for breach in BREACHES]


@pytest.mark.parametrize("breach", BREACHES, ids=[breach.contract for breach in BREACHES])
def test_a_broken_contract_is_noticed(broken: dict[str, str], breach: Breach) -> None:
    """The report must blame the planted import under the contract that it breaks."""
    name = next(contract["name"] for contract in CONTRACTS if contract["id"] == breach.contract)
    importer = next(iter(breach.planted)).removesuffix(".py").replace("/", ".")

    assert f"skill_server.{importer}" in broken.get(name, "")


def test_a_room_without_a_place_in_the_layers_is_noticed(broken: dict[str, str]) -> None:
    """A new room must say where it stands before anything can import it."""
    assert "planted_room" in broken[CONTRACTS[0]["name"]]
