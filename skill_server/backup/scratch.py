"""Scratch databases of a target: their names hold the ledger's id, so that others' are left alone; none may be live.

A copy must never be the live database. Names alone do not tell: another host name may lead to the same server, and a
configuration may name the live database as the place for rehearsals. So both are asked who they are.
"""

from collections.abc import Collection, Mapping

from skill_server.backends.base import Backend, scratch_name
from skill_server.backends.pair import Pair
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import NO_DATABASE, ServerIdentity

OWNER_DIGITS = 8
PROOF, REHEARSAL, PROBE, RESTORE = "proof", "rehearsal", "probe", "restore"


def names(target: TargetIdentity, purpose: str, run: str) -> dict[BackendKind, str]:
    """Return the names of a pair of scratch databases of a target."""
    return dict.fromkeys(BackendKind, scratch_name(purpose, f"{target.ledger_id[:OWNER_DIGITS]}_{run}"))


def template_names(target: TargetIdentity, label: str) -> dict[BackendKind, str]:
    """Return the names of the scratch databases that hold a restored backup."""
    return names(target, PROOF, label[-8:])


async def sweep(
    pair: Pair, target: TargetIdentity, *, purposes: Collection[str] = (), needed: Collection[str] = ()
) -> None:
    """Drop the marked scratch databases of a target, of these purposes or of all, but for those still `needed`.

    Call it under the target's lock, when no others are in use: what is there then was left by a process that died.
    """
    owner = target.ledger_id[:OWNER_DIGITS]
    begins = tuple(scratch_name(purpose, f"{owner}_") for purpose in purposes)
    for backend in pair:
        for name in await backend.scratch():
            own = name.startswith(begins) if begins else f"_{owner}_" in name
            if own and name not in needed:
                await backend.at(name).drop()


async def require_copies(live: Mapping[BackendKind, ServerIdentity], copies: Pair) -> None:
    """Check that copies carry the mark of a scratch database and are not the live databases.

    Raises:
        Refused: `copy-is-live`; nothing was done to either.
    """
    for copy in copies:
        if copy.database not in await copy.scratch():
            raise _is_live(copy, "does not carry the mark of a scratch database")
        if is_same(live[copy.kind], await copy.identity()):
            raise _is_live(copy, "is the live database itself")


async def require_unmarked(live: Pair) -> None:
    """Check that no live database carries the mark of a scratch one, because such databases are dropped.

    Raises:
        Refused: `copy-is-live`.
    """
    for backend in live:
        if backend.database in await backend.scratch():
            raise _is_live(backend, "is the live database of the target, and is marked as a scratch one")


async def require_apart(live: Pair, rehearsal: Pair) -> None:
    """Check that the servers configured for rehearsals do not lead to the live databases, whatever they are called.

    Raises:
        Refused: `copy-is-live`.
    """
    for backend in rehearsal:
        if backend is not live[backend.kind] and is_same(
            await live[backend.kind].identity(), await backend.identity()
        ):
            raise _is_live(backend, "is configured for rehearsals, and is the live database itself")


def is_same(one: ServerIdentity, other: ServerIdentity) -> bool:
    """Say whether two answers came from one database; of two that hold nothing yet, the name decides."""
    same = one.server == other.server and one.database_id == other.database_id
    return same and (one.database_id != NO_DATABASE or one.database == other.database)


def _is_live(copy: Backend, why: str) -> Refused:
    return Refused(
        "copy-is-live",
        f"the {copy.kind} database {copy.database} {why}",
        help="Let the configuration name another server for rehearsals, or none; then call again.",
    )
