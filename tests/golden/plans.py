"""Plans as people read them: the text that golden files hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skill_server import changes
from skill_server.backends import open_backend
from skill_server.backends.pair import Pair
from skill_server.errors import MigrationError
from skill_server.generate.model_diff import model_diff
from skill_server.model.finding import Finding
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.plan import Plan, Step, Way
from skill_server.model.snapshot import Snapshot
from skill_server.plan import build
from skill_server.review import review
from tests.lifecycle.world import renders, request

HERE = Path(__file__).parent
BEFORE = HERE / "before.json"
NAMES = NameMap(
    entities={
        "items": EntityNames(postgres="items", mongodb="item"),
        "owners": EntityNames(postgres="owners", mongodb="owner"),
    }
)
# What stands beside the `change.json` of each folder, by database where it speaks of one.
SCRIPTS = {BackendKind.POSTGRES: "postgres.sql", BackendKind.MONGODB: "mongodb.txt"}
FINDINGS = "findings.txt"
MODELS = "models.diff"


def schemas() -> dict[BackendKind, Snapshot]:
    """Return the schemas that every golden plan is made for, as real servers told them."""
    text: dict[str, Any] = json.loads(BEFORE.read_text())
    return {kind: Snapshot.model_validate(text[kind]) for kind in BackendKind}


def golden_plan(folder: Path) -> Plan:
    """Return the plan of the change in a golden folder.

    Raises:
        MigrationError: the folder shows a refusal.
    """
    return _planned(folder)[0]


def golden_files(folder: Path) -> dict[str, str]:
    """Return every file of a golden folder as it has to be, apart from its change."""
    try:
        plan, found = _planned(folder)
    except MigrationError as error:
        return {FINDINGS: f"refused  {error.code}: {error.message}\n         {error.help}\n"}
    return {
        **{name: _script(plan, kind) for kind, name in SCRIPTS.items()},
        FINDINGS: "".join(_finding(finding) for finding in found) or "nothing found\n",
        MODELS: model_diff(plan),
    }


def _planned(folder: Path) -> tuple[Plan, tuple[Finding, ...]]:
    change: dict[str, Any] = json.loads((folder / "change.json").read_text())
    # Rendering is pure, so nobody connects to these places.
    pair = Pair(
        {
            BackendKind.POSTGRES: open_backend(
                BackendKind.POSTGRES, "postgresql://nobody@127.0.0.1/app", NAMES
            ),
            BackendKind.MONGODB: open_backend(BackendKind.MONGODB, "mongodb://127.0.0.1/app", NAMES),
        }
    )
    asked = request([changes.build(change.pop("kind"), **change)])
    plan = build.upgrade(asked, schemas(), renders(pair))
    return plan, (*build.problems(asked, schemas()), *review(plan, schemas()))


def _script(plan: Plan, kind: BackendKind) -> str:
    return "\n".join(line for step in plan.of(kind) for line in _step(step)) + "\n"


def _step(step: Step) -> Iterator[str]:
    yield f"==== {step.id} {step.phase}"
    yield from _way("up", step.forward)
    if step.back is None:
        yield "-- down: nothing brings it back"
    else:
        yield from _way("down", step.back)
    yield ""


def _way(name: str, way: Way) -> Iterator[str]:
    yield f"-- {name}: {way.summary}"
    if way.hazards:
        yield f"--   dangers: {', '.join(way.hazards)}"
    for word, probes in (("before", way.before), ("after", way.after)):
        for probe in probes:
            yield f"--   {word}: no {probe.message}"
            yield f"--     {probe.statement.text}"
    for statement in way.statements:
        lock = f"  -- {statement.lock}" if statement.lock != "none" else ""
        yield f"{statement.text};{lock}"


def _finding(finding: Finding) -> str:
    where = " ".join(word for word in (finding.backend, finding.step) if word)
    return f"{finding.severity:<8} {finding.rule} ({where}): {finding.message}\n         {finding.help}\n"
