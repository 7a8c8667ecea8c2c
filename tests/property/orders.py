"""An assistant that does anything in any order: calls, edits, forgeries, and changes behind the server's back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.types import ElicitResult

from skill_server import server
from skill_server.application.application import Application
from skill_server.model import content as contents
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums
from tests.support.clients import Person
from tests.support.project import Project, content, fill, write_project
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database

Answer = TypeVar("Answer")
FIELD = "condition"
MODEL = '    condition: Mapped[str | None] = mapped_column(String(40), server_default="unknown")\n'


SPOILED = (
    *("nothing", "detection", "model", "plan", "backup", "rehearsal", "consent"),
    *("intact backup", "document", "schema", "genuine ledger"),
)


class Orders(RuleBasedStateMachine):
    """An assistant that calls in any order, edits any file, and writes to the databases by other means.

    What it has rightly earned is kept in `earned`, apart from the product: a schema may move by an applying call only
    when everything in it is there.
    """

    servers: Servers
    monkeypatch: pytest.MonkeyPatch
    era: ConnectMode

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="orders-"))
        self.says_yes = True
        self.plan: str | None = None
        self.older: str | None = None
        self.applied = False
        self.tampered = False
        self.earned: set[str] = set()
        self.rehearsed: set[str] = set()
        self.backups: set[tuple[str, ...]] = set()
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine to its end."""
        return self.loop.run(work)

    async def _open(self) -> None:
        self.postgres = fresh_postgres_database(self.servers.postgres_url)
        self.mongodb = fresh_mongodb_database(self.servers.mongodb_url)
        urls = await self.postgres.__aenter__(), await self.mongodb.__aenter__()
        write_project(self.folder)
        await fill(*urls)
        self.project = Project(self.folder, *urls, self.folder / "server" / "ledger.key")
        for name, value in self.project.environment.items():
            if name not in ("PATH", "PYTHONPATH"):
                self.monkeypatch.setenv(name, value)
        self.app = Application(self.folder)
        self.before = await content(self.app)

    def teardown(self) -> None:
        """Close and drop everything of this example."""
        self.run(self._close())
        self.loop.close()
        shutil.rmtree(self.folder)

    async def _close(self) -> None:
        await self.app.close()
        await self.postgres.__aexit__(None, None, None)
        await self.mongodb.__aexit__(None, None, None)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool over the protocol."""
        return self.run(self._call(tool, arguments))

    async def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        decision = "apply" if self.says_yes else "do_not_apply"
        person = Person(ElicitResult(action="accept", content={"decision": decision}))
        async with Client(server.build(self.app), mode=self.era, elicitation_callback=person) as client:
            result = await client.call_tool(tool, arguments)
        return {**(result.structured_content or {}), "refused": result.is_error}

    @rule()
    def detects(self) -> None:
        """Look at both databases."""
        if not self.call("detect_db_type")["refused"]:
            self.earned.add("detected")

    @precondition(lambda self: not list(self.project.migrations.glob("*.py")))
    @rule()
    def generates(self) -> None:
        """Write a migration for both databases."""
        change = {
            "kind": "add_field",
            "entity": "items",
            "field": FIELD,
            "type": "String(40)",
            "default": "unknown",
        }
        found = self.call(
            "generate_migration", summary="Add condition", reason="It is asked for.", changes=[change]
        )
        if not found["refused"]:
            self.earned.add("documented")

    @rule()
    def plans(self) -> None:
        """Ask for the plan of an upgrade, or of a downgrade once applied."""
        found = self.call("run_downgrade" if self.applied else "run_upgrade")
        if not found["refused"] and found.get("plan_id") and found["plan_id"] != self.plan:
            self.older, self.plan = self.plan, found["plan_id"]

    @rule()
    def backs_up(self) -> None:
        """Take a proven backup."""
        if not self.call("backup")["refused"]:
            self.backups.add(tuple(self.before[0].values()))

    @precondition(lambda self: self.plan is not None)
    @rule()
    def rehearses(self) -> None:
        """Try the newest plan on copies."""
        found = self.call("rehearse_migration", plan_id=self.plan)
        if not found["refused"] and found["ok"]:
            self.rehearsed.add(str(self.plan))

    @rule(yes=st.booleans())
    def person_makes_up_their_mind(self, yes: bool) -> None:
        """The person will say yes, or no."""
        self.says_yes = yes

    @rule(right=st.booleans())
    def edits_the_model(self, right: bool) -> None:
        """Bring the model in line with what is planned, or out of it."""
        text = self.project.models.read_text().replace(MODEL, "")
        self.project.models.write_text(text + MODEL if right else text)

    @precondition(lambda self: not self.applied)
    @rule()
    def edits_the_migration(self) -> None:
        """Change why the migration is there: its digest and so its plan are others now."""
        for file in self.project.migrations.glob("*.py"):
            file.write_text(file.read_text().replace("Reason: ", "Reason: not only because "))
            self.earned.discard("documented")

    @rule()
    def removes_the_document(self) -> None:
        """Delete the migration's document."""
        for file in self.project.migrations.glob("*.md"):
            file.unlink()
            self.earned.discard("documented")

    @rule()
    def reviews(self) -> None:
        """Review the migration, which writes its document anew."""
        if not self.call("review_migration")["refused"]:
            self.earned.add("documented")

    @rule()
    def damages_the_backups(self) -> None:
        """Turn one bit in every file of every backup."""
        for file in (self.folder / ".database-migration").rglob("*.zst"):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(bytes(data))
            self.backups.clear()

    @rule(backend=st.sampled_from(BackendKind))
    def changes_a_schema_by_other_means(self, backend: BackendKind) -> None:
        """Build or drop an index behind the server's back."""
        self.run(self._drift(backend))
        self.before = self.run(content(self.app))

    async def _drift(self, backend: BackendKind) -> None:
        if backend is BackendKind.POSTGRES:
            gone = await self.project.on_postgres("SELECT 1 AS n FROM pg_class WHERE relname = 'drift'")
            await self.project.on_postgres(
                "DROP INDEX drift" if gone else 'CREATE INDEX drift ON items ("Quantity")'
            )
            return
        collection = self.project.on_mongodb()["item"]
        if "drift" in await collection.index_information():
            await collection.drop_index("drift")
        else:
            await collection.create_index([("Quantity", 1)], name="drift")
        await collection.database.client.close()

    @rule(kind=st.sampled_from(["backup", "rehearsal", "approval"]))
    @precondition(lambda self: not self.tampered and "detected" in self.earned)
    def forges_a_receipt(self, kind: str) -> None:
        """Write a receipt into both ledgers by hand; from then on nothing may be applied at all."""
        self.run(self._forge(kind))
        self.tampered = True

    async def _forge(self, kind: str) -> None:
        (last,) = await self.project.on_postgres("SELECT max(seq) AS seq FROM database_migration.event")
        seq = last["seq"] + 1
        await self.project.on_postgres(
            "INSERT INTO database_migration.event (seq, kind, at, bound, body, unique_key, mac) SELECT "
            f"{seq}, '{kind}', at, bound, body, NULL, mac FROM database_migration.event WHERE seq = {last['seq']}"
        )
        events = self.project.on_mongodb()["database_migration.event"]
        genuine = await events.find_one({"_id": last["seq"]})
        await events.insert_one({**genuine, "_id": seq, "seq": seq, "kind": kind, "unique": None})
        await events.database.client.close()

    @rule(which=st.sampled_from(["newest", "older", "invented"]))
    def applies(self, which: str) -> None:
        """Apply a plan: the newest, an older one, or one that nobody made."""
        plan = {"newest": self.plan, "older": self.older, "invented": "0" * 32}[which]
        if plan is None:
            return
        tool = "run_downgrade" if self.applied else "run_upgrade"
        found = self.call(tool, plan_id=plan)
        after = self.run(content(self.app))
        if not self._moved(after):
            return
        assert not found["refused"], f"the schema moved although the call was refused: {found}"
        assert self.earned == {"detected", "documented"}, f"{tool} was applied with only {self.earned}"
        assert plan in self.rehearsed, "a plan was applied that never passed on a copy"
        assert tuple(self.before[0].values()) in self.backups, "a plan was applied without an intact backup"
        assert self.says_yes, "a plan was applied although the person said no"
        assert not self.tampered, "a plan was applied on a forged ledger"
        model = MODEL in self.project.models.read_text()
        assert model is not self.applied, "a plan was applied although the models do not match"
        self.applied = not self.applied
        self.before = after
        self.rehearsed.clear()
        self.backups.clear()
        self.older, self.plan = self.plan, None

    @rule(spoiled=st.sampled_from(SPOILED))
    def takes_every_step_but_one(self, spoiled: str) -> None:
        """Go the right way, leave one step out or spoil what it left: earlier steps may stand in, nothing else."""
        if spoiled != "detection":
            self.detects()
        if not list(self.project.migrations.glob("*.py")):
            self.generates()
        if spoiled != "model":
            self.edits_the_model(right=not self.applied)
        if spoiled != "plan":
            self.plans()
        if spoiled != "backup":
            self.backs_up()
        if spoiled != "rehearsal" and self.plan is not None:
            self.rehearses()
        self.says_yes = spoiled != "consent"
        self.spoils(spoiled)
        self.applies("newest")

    def spoils(self, what: str) -> None:
        """Take away what an earlier step left."""
        if what == "intact backup":
            self.damages_the_backups()
        if what == "document":
            self.removes_the_document()
        if what == "schema":
            self.changes_a_schema_by_other_means(BackendKind.MONGODB)
        if what == "genuine ledger" and "detected" in self.earned and not self.tampered:
            self.forges_a_receipt("approval")

    @invariant()
    def nothing_else_moves_a_schema(self) -> None:
        """Whatever was called last, schema and content are as the last rightful change left them."""
        after = self.run(content(self.app))
        assert not self._moved(after), "a schema or its content moved by a call that may not move it"

    def _moved(self, after: tuple[dict[BackendKind, str], dict[BackendKind, Checksums]]) -> bool:
        return after[0] != self.before[0] or contents.compare(self.before[1], after[1]) != ()
