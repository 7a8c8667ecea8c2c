"""What a backup and a rehearsal need of the servers, found out before either begins."""

import secrets

from skill_server.application.session import Session
from skill_server.backup import scratch


async def require_possible(session: Session) -> None:
    """Check that everything can be dumped and that copies can be made where they are to be made.

    Raises:
        Refused: a right is missing (`permission-missing`), or the configuration or a mark takes the live databases
            for copies (`copy-is-live`).
    """
    await require_apart(session)
    for backend in session.pair:
        await backend.require_dumpable()
    for copy in session.target.rehearsal.at(
        scratch.names(session.identity, scratch.PROBE, secrets.token_hex(4))
    ):
        await copy.require_scratch_possible()


async def require_apart(session: Session) -> None:
    """Check that neither a mark nor the configuration takes the live databases for copies.

    Raises:
        Refused: `copy-is-live`.
    """
    await scratch.require_unmarked(session.pair)
    await scratch.require_apart(session.pair, session.target.rehearsal)
