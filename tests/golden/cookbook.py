"""The parts of `docs/cookbook.md` that are made from golden plans, so that the page shows what really runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from skill_server import changes
from skill_server.generate.layout import GUARD, render
from skill_server.generate.migration import Migration
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from tests.golden.plans import HERE, golden_plan

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"
PART = re.compile(r"(<!-- golden: ([a-z_-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LANGUAGES = {BackendKind.POSTGRES: ("PostgreSQL", "sql"), BackendKind.MONGODB: ("MongoDB", "js")}
_LONGEST = 240


def shown() -> list[str]:
    """Return the golden folders that the page shows, in its order."""
    return [match[2] for match in PART.finditer(PAGE.read_text("utf-8"))]


def page() -> str:
    """Return the page as it has to be."""
    return PART.sub(_filled, PAGE.read_text("utf-8"))


def _filled(match: re.Match[str]) -> str:
    return "\n".join([match[1], *_part(HERE / match[2]), match[3]])


def _part(folder: Path) -> Iterator[str]:
    change = json.loads((folder / "change.json").read_text())
    yield from ("As a call of `generate_migration`, one of its `changes`:", "")
    yield from ("```json", json.dumps(change, ensure_ascii=False), "```", "")
    yield from ("In the file:", "", "```python", _in_file(folder), "```", "")
    plan = golden_plan(folder)
    for backend, (title, language) in LANGUAGES.items():
        yield from (f"{title}, on the way up:", "", f"```{language}", *_statements(plan, backend), "```", "")
    yield f"The way back, the models and the findings are in `tests/golden/{folder.name}/`."
    yield ""


def _in_file(folder: Path) -> str:
    change = json.loads((folder / "change.json").read_text())
    text = render(
        Migration(
            revision="20260101_recipe",
            summary="Recipe",
            reason="Recipe.",
            changes=(changes.build(change.pop("kind"), **change),),
        )
    )
    return text.partition("down_revision = None\n")[2].removesuffix(GUARD).strip()


def _statements(plan: Plan, backend: BackendKind) -> Iterator[str]:
    for step in plan.of(backend):
        mark = "--" if backend is BackendKind.POSTGRES else "//"
        yield f"{mark} {step.phase}: {step.forward.summary}"
        for statement in step.forward.statements:
            if statement.flow is None:
                text = " ".join(statement.text.split())
                yield f"{text};" if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
