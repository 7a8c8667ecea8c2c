"""Tell the story: each act calls the server as an assistant would, checks what came back, and says it in a line."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import click
from mcp import Client

from examples.demo import edits
from examples.demo.stage import Stage, refuse, set_up
from skill_server.backends import open_backend
from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums

REQUEST = "schema change: add a condition to items and rename ItemDesc to description"


def tell(*, items: int, keep: bool) -> int:
    """Run the demonstration; return the exit status: 0 only if every act ended as it should."""
    folder = Path(tempfile.mkdtemp(prefix="database-migration-demo-"))
    story = Story()
    try:
        asyncio.run(story.told(folder, items))
    except BaseExceptionGroup as failed:
        first = _first(failed)
        if not isinstance(first, AssertionError):
            raise
        story.say(f"NOT AS IT SHOULD BE: {first}")
        return 1
    finally:
        if keep:
            click.echo(f"kept: {folder}")
        else:
            _remove(folder)
    story.summary()
    return 0


def _first(error: BaseException) -> BaseException:
    """Return what went wrong first; the client's task groups wrap it several times."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", error.exceptions[0])
    return error


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


@dataclass
class Story:
    """The narrator, and what is worth a line in the summary."""

    began: float = field(default_factory=time.monotonic)
    acts: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    act_began: float = 0
    questions: list[str] = field(default_factory=list[str])

    def say(self, text: str) -> None:
        """Say one line."""
        click.echo(f"    {text}")

    def act(self, title: str) -> None:
        """Open an act."""
        self.act_began = time.monotonic()
        click.secho(f"\n{len(self.acts) + 1}. {title}", bold=True)

    def done(self, title: str, outcome: str) -> None:
        """Close an act."""
        self.acts.append((title, outcome, time.monotonic() - self.act_began))

    def person(self, question: str) -> bool:
        """Play the person who is asked: show the question and agree."""
        self.questions.append(question)
        self.say("the person is asked, and agrees:")
        for line in question.splitlines()[:6]:
            self.say(f"  | {line}")
        return True

    def summary(self) -> None:
        """Print what happened, act by act."""
        click.secho("\nSummary", bold=True)
        width = max(len(title) for title, _, _ in self.acts)
        for title, outcome, seconds in self.acts:
            click.echo(f"  {title:<{width}}  {seconds:5.1f} s  {outcome}")
        click.echo(
            f"  {'all together':<{width}}  {time.monotonic() - self.began:5.1f} s  every act ended as it should"
        )

    async def told(self, folder: Path, items: int) -> None:
        """Tell all acts."""
        self.act("Two databases and an application")
        async with set_up(folder, items, self.say) as stage:
            self.done("start and seed", f"{items:,} items in both databases")
            async with stage.client(self.person) as client:
                assistant = Assistant(self, stage, client)
                before = await checksums(stage)
                await assistant.asks_for_the_change()
                await assistant.is_refused()
                await assistant.mends_the_code()
                await assistant.upgrades()
                await assistant.goes_back(before)
                await assistant.tries_a_broken_migration()
                await assistant.restores(before)


@dataclass
class Assistant:
    """A scripted assistant: it knows only the tools."""

    story: Story
    stage: Stage
    client: Client
    revision: str = ""

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return its data."""
        result = await self.client.call_tool(tool, arguments)
        found: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            raise AssertionError(
                f"{tool} was refused: {found.get('code')}: {found.get('message')} {found.get('help')}"
            )
        return found

    async def asks_for_the_change(self) -> None:
        """Detect, inspect, generate."""
        self.story.act(f'The person says: "{REQUEST}"')
        found = await self.call("detect_db_type")
        self.story.say(found["summary"])
        made = await self.call(
            "generate_migration",
            summary="Add the condition of an item and call its text description",
            reason="The shop floor asks in what condition an item is.",
            changes=[
                {
                    "kind": "add_field",
                    "entity": "items",
                    "field": "condition",
                    "type": "String(40)",
                    "default": "unknown",
                },
                {"kind": "rename_field", "entity": "items", "field": "ItemDesc", "to": "description"},
            ],
        )
        self.revision = made["revision"]
        self.story.say(f"wrote migrations/{self.revision}.py and .md, for both databases")
        self.story.done("generate", "one migration, two databases")

    async def is_refused(self) -> None:
        """Try to apply it at once."""
        self.story.act("A careless assistant applies it at once, and is refused")
        plan = await self.call("run_upgrade")
        apply = {"plan_id": plan["plan_id"]}
        result = await self.client.call_tool("run_upgrade", apply)
        found: dict[str, Any] = result.structured_content or {}
        if not result.is_error or "backup_is_verified" not in found["missing"]:
            raise AssertionError("an upgrade without a backup was not refused")
        self.story.say(f"{found['code']}: {found['message']}")
        for item in found["checklist"]:
            if item["state"] == "unmet":
                self.story.say(f"  missing: {item['title']} ({item['evidence'][:90]})")
        self.story.done("refused upgrade", f"{len(found['missing'])} lines of the checklist were missing")

    async def mends_the_code(self) -> None:
        """Update models, code, template and tests."""
        self.story.act("The assistant updates models, code, template and tests")
        files = edits.rename(self.stage.project, "ItemDesc", "description")
        edits.add_condition(self.stage.project)
        self.story.say(f"ItemDesc is description in {files} files; the model has a condition")
        review = await self.call("review_migration")
        errors = [item for item in review["findings"] if item["severity"] == "error"]
        if errors:
            raise AssertionError(f"the review still finds: {errors[0]['message']}")
        self.story.say("the review finds no error: models, contracts and statements are in order")
        self.story.done("code mended", f"{files} files")

    async def upgrades(self) -> None:
        """Back up, rehearse, apply, verify."""
        self.story.act("Backup, rehearsal, approval, upgrade, verification")
        plan_id = await self._proven("run_upgrade")
        applied = await self.call("run_upgrade", plan_id=plan_id)
        self.story.say(applied["summary"])
        verified = await self.call("verify_integrity", depth="full")
        self.story.say(verified["summary"])
        self.story.done("upgrade", "applied to both, verified")

    async def goes_back(self, before: dict[BackendKind, Checksums]) -> None:
        """Downgrade through the same gates and compare every value with the beginning."""
        self.story.act("The way back: a downgrade, through the same gates")
        edits.rename(self.stage.project, "description", "ItemDesc")
        edits.remove_condition(self.stage.project)
        plan_id = await self._proven("run_downgrade")
        undone = await self.call("run_downgrade", plan_id=plan_id)
        self.story.say(undone["summary"])
        differences = content.compare(before, await checksums(self.stage))
        if differences:
            raise AssertionError(f"the downgrade left differences: {differences[0]}")
        fields = sum(len(entity.fields) for sums in before.values() for entity in sums.entities.values())
        self.story.say(f"the content checksums of all {fields} fields of both databases are what they were")
        self.story.done("downgrade", "identical checksums on both databases")

    async def tries_a_broken_migration(self) -> None:
        """Let the rehearsal catch a migration that real values break."""
        self.story.act("A broken migration: prices become whole numbers")
        (self.stage.project / "migrations" / f"{self.revision}.py").unlink()
        (self.stage.project / "migrations" / f"{self.revision}.md").unlink()
        await self.call(
            "generate_migration",
            summary="Make prices whole numbers",
            reason="Somebody believes that nobody uses cents.",
            changes=[
                {
                    "kind": "retype_field",
                    "entity": "items",
                    "field": "ItemPrice",
                    "was": "String(32)",
                    "to": "Integer",
                }
            ],
        )
        plan = await self.call("run_upgrade")
        await self.call("backup")
        rehearsed = await self.client.call_tool("rehearse_migration", {"plan_id": plan["plan_id"]})
        found: dict[str, Any] = rehearsed.structured_content or {}
        if found.get("ok"):
            raise AssertionError("the rehearsal did not notice the broken migration")
        self.story.say(str(found.get("summary") or found.get("message"))[:300])
        message = await refuse(
            lambda: self.client.call_tool("run_upgrade", {"plan_id": plan["plan_id"]}), "models-differ"
        )
        self.story.say(f"and the upgrade stays closed: {message[:120]}")
        self.story.done("broken migration", "caught on the copy, the live data was not touched")

    async def restores(self, before: dict[BackendKind, Checksums]) -> None:
        """Lose data by other means and put the backup back."""
        self.story.act("Somebody deletes items by hand; the backup brings them back")
        status = await self.call("migration_status")
        label = status["backups"][0]["label"]
        gone = await delete_items(self.stage)
        self.story.say(f"{gone} items are gone from both databases")
        plan = await self.call("restore_backup", label=label)
        restored = await self.call("restore_backup", label=label, plan_id=plan["plan_id"])
        self.story.say(restored["summary"])
        differences = content.compare(before, await checksums(self.stage))
        if differences:
            raise AssertionError(f"the restore left differences: {differences[0]}")
        self.story.say("every value of both databases is what it was at the beginning")
        self.story.done("restore", "identical checksums on both databases")

    async def _proven(self, tool: str) -> str:
        plan = await self.call(tool)
        taken = await self.call("backup")
        self.story.say(taken["summary"])
        rehearsed = await self.call("rehearse_migration", plan_id=plan["plan_id"])
        if not rehearsed["ok"]:
            raise AssertionError(f"the rehearsal failed: {rehearsed['summary']}")
        self.story.say(rehearsed["summary"])
        return str(plan["plan_id"])


async def checksums(stage: Stage) -> dict[BackendKind, Checksums]:
    """Read both databases independently of the server and return their content checksums."""
    urls = {BackendKind.POSTGRES: stage.postgres_url, BackendKind.MONGODB: stage.mongodb_url}
    found: dict[BackendKind, Checksums] = {}
    for kind, url in urls.items():
        backend = open_backend(kind, url, NameMap())
        found[kind] = await backend.checksums()
        await backend.close()
    return found


async def delete_items(stage: Stage) -> int:
    """Delete the same items from both databases, as a mistake would, and return how many."""
    import asyncpg
    from pymongo import AsyncMongoClient

    connection = await asyncpg.connect(stage.postgres_url)
    await connection.execute('DELETE FROM items WHERE "ItemID" <= 600')
    await connection.close()
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stage.mongodb_url)
    deleted = await client.get_default_database()["item"].delete_many({"ItemID": {"$lte": 600}})
    await client.close()
    return deleted.deleted_count
