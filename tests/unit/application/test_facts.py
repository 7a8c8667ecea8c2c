"""A signed approval holds for the question that the person saw, also when a later dry run had more to say."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from skill_server.application.facts import ProjectFacts
from skill_server.approve import signature
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.settings import load
from tests.support.evidence import TARGET, a_plan


def stored(plan: Plan, question: str, seq: int) -> Event:
    """Return a stored plan with its question."""
    return Event(
        seq=seq,
        kind=EventKind.PLAN,
        at=datetime.now(UTC),
        bound={"plan": plan.id},
        body={"question": question},
    )


def a_key(folder: Path) -> Path:
    """Make a throwaway key."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


async def test_a_signature_of_an_earlier_question_of_the_plan_holds_and_of_another_text_does_not(
    tmp_path: Path,
) -> None:
    """People write while somebody decides; what was never asked of this plan was never approved."""
    key = a_key(tmp_path)
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f"owner@example.org {key.with_suffix('.pub').read_text()}")
    settings = load(tmp_path).model_copy(update={"allowed_signers": allowed})
    plan, other = a_plan(PlanKind.RESTORE), a_plan(PlanKind.UPGRADE)
    events = (stored(plan, "first", 1), stored(plan, "later", 2), stored(other, "of another plan", 3))
    facts = ProjectFacts(settings, {}, TARGET, events)

    async def holds(question: str) -> bool:
        signed = await signature.sign(key, signature.message(plan, question))
        body = {"signature": signed, "identity": "owner@example.org", "channel": "signature"}
        approval = Event(seq=9, kind=EventKind.APPROVAL, at=datetime.now(UTC), body=body)
        return await facts.approval_holds(plan, approval)

    assert await holds("first")
    assert await holds("later")
    assert not await holds("of another plan")
    assert not await holds("never stored")
