"""An upgrade with nothing pending, as a deployment calls it every time: the whole process, both ledgers read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from benchmarks.harness.processes import CHECKOUT, PYTHON, output
from benchmarks.peers.alembic_project import up_to_date_project
from examples.demo import edits
from examples.demo.stage import Stage, set_up
from skill_server.settings import CONFIGURATION_FILE

ITEMS = 500
UPGRADE = (PYTHON, "-m", "skill_server", "run-upgrade", "--json")


@asynccontextmanager
async def _rivals(_scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with set_up(folder, ITEMS, lambda _line: None) as stage:
            _leave_tests_out(stage.project / CONFIGURATION_FILE)
            await _apply_one_migration(stage)
            alembic = await up_to_date_project(folder / "alembic", stage.postgres_url)

            async def product(lap: Lap) -> None:
                with lap.timed():
                    said = await output(UPGRADE, environment=stage.environment, folder=CHECKOUT)
                if json.loads(said)["state"] != "nothing_to_do":
                    raise RuntimeError(f"the upgrade was not idle: {said[:500]}")

            async def peer(lap: Lap) -> None:
                with lap.timed():
                    said = await alembic.run("upgrade", "head")
                if "Running upgrade" in said:
                    raise RuntimeError(f"the upgrade was not idle: {said[:500]}")

            yield Rivals(product=product, peer=peer)


def _leave_tests_out(configuration: Path) -> None:
    """Take the application's tests out of the setting up: an upgrade with nothing pending does not run them."""
    lines = configuration.read_text(encoding="utf-8").splitlines(keepends=True)
    configuration.write_text(
        "".join(line for line in lines if not line.startswith("test_command")), encoding="utf-8"
    )


async def _apply_one_migration(stage: Stage) -> None:
    """Give the project a past: one migration, applied through every gate as an assistant does it."""
    async with stage.client(lambda _question: True) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            found: dict[str, Any] = result.structured_content or {}
            if result.is_error or found.get("passed") is False:
                raise RuntimeError(f"{tool}: {json.dumps(found, default=str)[:2000]}")
            return found

        await call("detect_db_type")
        change = {
            "kind": "add_field",
            "entity": "items",
            "field": "condition",
            "type": "String(40)",
            "default": "unknown",
        }
        await call(
            "generate_migration", summary="Add the condition", reason="To have a past.", changes=[change]
        )
        edits.add_condition(stage.project)
        plan = await call("run_upgrade")
        await call("backup")
        await call("rehearse_migration", plan_id=plan["plan_id"])
        await call("run_upgrade", plan_id=plan["plan_id"])


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="noop-upgrade",
            what="`database-migration run-upgrade --json`, nothing pending on a pair / `alembic upgrade head` on "
            "its PostgreSQL",
            target=0.9,
            limit=1.2,
        ),
    ),
    rivals=_rivals,
    runs=7,
)
