"""Names of scratch databases: they hold the ledger's id, so that targets on one server leave each other's alone."""

from skill_server.backends.base import scratch_name
from skill_server.backends.pair import Pair
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TargetIdentity

OWNER_DIGITS = 8


def names(target: TargetIdentity, purpose: str, run: str) -> dict[BackendKind, str]:
    """Return the names of a pair of scratch databases of a target."""
    return dict.fromkeys(BackendKind, scratch_name(purpose, f"{target.ledger_id[:OWNER_DIGITS]}_{run}"))


def template_names(target: TargetIdentity, label: str) -> dict[BackendKind, str]:
    """Return the names of the scratch databases that hold a restored backup."""
    return names(target, "proof", label[-8:])


async def sweep(pair: Pair, target: TargetIdentity) -> None:
    """Drop every scratch database of a target; call it under the target's lock, when none is in use."""
    for backend in pair:
        for name in await backend.scratch():
            if f"_{target.ledger_id[:OWNER_DIGITS]}_" in name:
                copy = backend.at(name)
                await copy.drop()
