"""A person's approval: through the client that asks them, or signed in a terminal."""

from pathlib import Path

from skill_server.application.planning import Proposal
from skill_server.application.session import Session
from skill_server.approve import signature
from skill_server.errors import Refused
from skill_server.model.receipt import Event, EventKind

ELICITATION = "elicitation"
SIGNATURE = "signature"


def may_ask(session: Session) -> bool:
    """Say whether a question through the client counts: never on production, since hooks can answer it."""
    return session.identity.environment != "production"


async def approve_by_answer(session: Session, proposal: Proposal) -> Event:
    """Record that the client's person answered yes to the stored question."""
    if not may_ask(session):
        raise Refused(
            "approval-channel-too-weak",
            "a production target takes signed approvals only",
            help=f"Ask a person to run `database-migration approve {proposal.plan.id}` in a terminal.",
        )
    return await _recorded(session, proposal, {"channel": ELICITATION, "identity": "the client's person"})


async def approve_by_signature(session: Session, proposal: Proposal, key: Path) -> Event:
    """Sign the stored question with a person's key and record the signature.

    Raises:
        Refused: the key does not sign, or its owner may not approve (`signer-unknown`).
    """
    content = signature.message(proposal.plan, proposal.question)
    signed = await signature.sign(key, content)
    signer = await signature.verified_signer(content, signed, session.settings.allowed_signers)
    if signer is None:
        raise Refused(
            "signer-unknown",
            "the key is not in the list of people who may approve",
            help="Ask the owner of the server to add it to the allowed_signers file.",
        )
    return await _recorded(session, proposal, {"channel": SIGNATURE, "identity": signer, "signature": signed})


async def _recorded(session: Session, proposal: Proposal, body: dict[str, str]) -> Event:
    event = await session.target.ledger.record(
        EventKind.APPROVAL,
        bound={"plan": proposal.plan.id, "ledger": session.identity.ledger_id},
        body=body,
    )
    await session.refresh()
    return event
