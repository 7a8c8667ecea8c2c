"""Approvals that an assistant cannot make: signed by a listed person for one plan, used once, and checked at use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application import approving, planning
from skill_server.application.application import Application
from skill_server.errors import Refused
from skill_server.model.receipt import EventKind
from tests.support.command_line import Ended, command, program
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, refusal, require_no_secret, require_readable

PERSON, STRANGER = "owner@example.org", "stranger@example.org"
FIELD = '    condition: Mapped[str | None] = mapped_column(Text, server_default="unknown")\n'
CHANGE = {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", "default": "unknown"}


@dataclass(frozen=True)
class Production:
    """A production target, a person's home with their key, and the server's list of those who may approve."""

    project: Project
    app: Application
    home: Path
    signers: Path

    def a_key(self, name: str, principal: str, *, listed: bool) -> Path:
        """Make a throwaway key, and put it on the server's list or not."""
        key = self.home / ".ssh" / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
        if listed:
            with self.signers.open("a") as lines:
                lines.write(f"{principal} {key.with_suffix('.pub').read_text()}")
        return key

    async def ready(self, tool: str = "run_upgrade") -> str:
        """Back up and rehearse what a tool shows; only the approval is missing then."""
        plan_id: str = (await call(self.app, tool)).plan_id
        await call(self.app, "backup")
        assert (await call(self.app, "rehearse_migration", plan_id=plan_id)).ok
        shown = await call(self.app, tool)
        assert (shown.plan_id, shown.missing) == (plan_id, ["person_approved"])
        return plan_id

    async def approve(self, plan_id: str, key: Path) -> Ended:
        """Sign as a person does, without the question in between."""
        return await command(self.project.root, "approve", plan_id, "--key", str(key), "--yes", "--json")

    async def approvals(self) -> list[Any]:
        """Return the approvals in the ledger."""
        events = await (await self.app.target(None)).ledger.events()
        return [event for event in events if event.kind is EventKind.APPROVAL]


@pytest_asyncio.fixture(loop_scope="session")
async def production(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Production]:
    """A production target that a person adopted, with one migration to approve."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        configuration = project.root / "database-migration.toml"
        text = configuration.read_text().replace('environment = "development"', 'environment = "production"')
        configuration.write_text(text)
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        signers = tmp_path / "server" / "allowed_signers"
        signers.parent.mkdir(exist_ok=True)
        signers.touch()
        monkeypatch.setenv("DATABASE_MIGRATION_ALLOWED_SIGNERS", str(signers))
        async with refusal(
            project, app, "target-not-adopted", "production target", "database-migration adopt"
        ):
            await call(app, "detect_db_type")
        adopted = await command(project.root, "adopt", "--json")
        assert adopted.status == 0, adopted.told
        await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
        project.models.write_text(project.models.read_text() + FIELD)
        await call(app, "review_migration")
        yield Production(project, app, home, signers)


async def test_a_signed_approval_lets_the_upgrade_run_and_is_spent(production: Production) -> None:
    """The whole way in a terminal with a home of its own: question, signature, one use."""
    project, app = production.project, production.app
    plan_id = await production.ready()
    async with refusal(project, app, "approval-missing", "no person has approved", f"approve {plan_id}"):
        await call(app, "run_upgrade", plan_id=plan_id)
    session = await app.session(None)
    with pytest.raises(Refused, match="approval-channel-too-weak"):
        await approving.approve_by_answer(session, planning.recall(session, plan_id))

    production.a_key("id_ed25519", PERSON, listed=True)
    environment = {
        **project.environment,
        "HOME": str(production.home),
        "DATABASE_MIGRATION_ALLOWED_SIGNERS": os.environ["DATABASE_MIGRATION_ALLOWED_SIGNERS"],
    }
    ended = await program(
        *("-m", "skill_server", "approve", plan_id), environment=environment, folder=project.root, stdin="y\n"
    )
    assert ended.status == 0, ended.told
    assert "condition" in ended.errors
    assert f"plan {plan_id} approved by {PERSON}" in ended.out
    require_no_secret(project, ended.told)

    assert (await call(app, "run_upgrade", plan_id=plan_id)).state == "applied"
    events = await (await app.target(None)).ledger.events()
    (approval,) = await production.approvals()
    assert [event.unique for event in events if event.kind is EventKind.SPENT] == [f"spent:{approval.seq}"]


async def test_a_person_who_says_no_signs_nothing(production: Production) -> None:
    """The question comes before the signature."""
    plan_id = await production.ready()
    key = production.a_key("key", PERSON, listed=True)
    root = production.project.root
    ended = await command(root, "approve", plan_id, "--key", str(key), answers="n\n")
    assert ended.status == 1
    assert "Apply this plan?" in ended.told
    assert await production.approvals() == []


async def test_only_keys_on_the_list_approve(production: Production) -> None:
    """An assistant can make keys and name any person in them, but the list belongs to the server's owner."""
    project, app = production.project, production.app
    plan_id = await production.ready()
    production.a_key("person", PERSON, listed=True)
    ended = await production.approve(plan_id, production.a_key("stranger", PERSON, listed=False))
    assert ended.status == 1
    found = ended.json
    phrases = ("not in the list of people who may approve", "allowed_signers")
    require_readable(found["code"], found["message"], found["help"], code="signer-unknown", phrases=phrases)
    unknown = await production.approve("0" * 32, production.home / ".ssh" / "person")
    assert unknown.json["code"] == "plan-unknown"
    assert await production.approvals() == []
    async with refusal(project, app, "approval-missing"):
        await call(app, "run_upgrade", plan_id=plan_id)


async def test_an_approval_ends_when_its_person_leaves_the_list(production: Production) -> None:
    """The signature is checked at use against the list as it is then, not only when it was made."""
    project, app = production.project, production.app
    plan_id = await production.ready()
    ended = await production.approve(plan_id, production.a_key("person", PERSON, listed=True))
    assert ended.status == 0, ended.told
    line = production.signers.read_text()
    production.signers.write_text("")
    production.a_key("another", STRANGER, listed=True)
    async with refusal(project, app, "approval-missing"):
        await call(app, "run_upgrade", plan_id=plan_id)

    # The same key under another person's name is not what was recorded either.
    production.signers.write_text(line.replace(PERSON, STRANGER))
    async with refusal(project, app, "approval-missing"):
        await call(app, "run_upgrade", plan_id=plan_id)

    production.signers.write_text(line)
    assert (await call(app, "run_upgrade", plan_id=plan_id)).state == "applied"


async def test_a_signature_serves_one_plan_once(production: Production) -> None:
    """Even written again by the server itself, a spent signature or one of another plan opens nothing."""
    project, app = production.project, production.app
    before = await content(app)
    key = production.a_key("person", PERSON, listed=True)
    first = await production.ready()
    assert (await production.approve(first, key)).status == 0
    assert (await call(app, "run_upgrade", plan_id=first)).state == "applied"
    (spent,) = await production.approvals()

    project.models.write_text(project.models.read_text().replace(FIELD, ""))
    back = await production.ready("run_downgrade")
    await _record_again(app, spent, back)
    async with refusal(project, app, "approval-missing"):
        await call(app, "run_downgrade", plan_id=back)
    assert (await production.approve(back, key)).status == 0
    assert (await call(app, "run_downgrade", plan_id=back)).state == "applied"
    assert (await content(app))[0] == before[0]
    # Its first outcome was true then; to repeat it now would call something applied that is not.
    async with refusal(project, app, "plan-superseded", "changed after it", "without plan_id"):
        await call(app, "run_upgrade", plan_id=first)

    project.models.write_text(project.models.read_text() + FIELD)
    again = await production.ready()
    assert again != first
    await _record_again(app, spent, again)
    async with refusal(project, app, "approval-missing"):
        await call(app, "run_upgrade", plan_id=again)
    assert (await production.approve(again, key)).status == 0
    assert (await call(app, "run_upgrade", plan_id=again)).state == "applied"


async def _record_again(app: Application, approval: Any, plan_id: str) -> None:
    """Write an old signature as the approval of a plan, with the server's own key."""
    ledger = (await app.target(None)).ledger
    await ledger.record(EventKind.APPROVAL, bound={**approval.bound, "plan": plan_id}, body=approval.body)
