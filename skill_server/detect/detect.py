"""Detect both databases of a target and adopt it on first sight."""

import secrets
from collections.abc import Awaitable, Callable, Mapping

from skill_server.errors import Conflict, Refused
from skill_server.ledger import history
from skill_server.ledger.ledger import Ledger
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind, TargetIdentity
from skill_server.model.receipt import Event, EventKind, ServerIdentity


def identity_words(identities: Mapping[BackendKind, ServerIdentity]) -> dict[str, str]:
    """Return what a receipt binds of two servers, so that a clone or a move is noticed."""
    words: dict[str, str] = {}
    for kind, identity in identities.items():
        words[f"{kind}.server"] = identity.server
        words[f"{kind}.database"] = f"{identity.database}/{identity.database_id}"
    return words


async def record_detection(
    ledger: Ledger, ledger_id: str, servers: Mapping[BackendKind, ServerIdentity], active: BackendKind
) -> Event:
    """Leave the receipt that these two databases answered, and which of them the application uses."""
    summary = ", ".join(
        f"{server.product} {server.version} ({server.topology})" for server in servers.values()
    )
    return await ledger.record(
        EventKind.DETECTION,
        bound={"ledger": ledger_id, **identity_words(servers)},
        body={"summary": summary, "active": active},
    )


async def adopt(
    ledger: Ledger, name: str, environment: str, identities: Mapping[BackendKind, ServerIdentity]
) -> Event:
    """Write name, class and identity of a target into its new ledger, whose places are prepared."""
    return await ledger.record(
        EventKind.ADOPTED,
        bound={
            "name": name,
            "environment": environment,
            "ledger": secrets.token_hex(8),
            **identity_words(identities),
        },
        unique="adopted:1",
    )


async def adopt_again(
    ledger: Ledger,
    events: list[Event],
    name: str,
    environment: str,
    identities: Mapping[BackendKind, ServerIdentity],
) -> Event:
    """Bind an existing ledger to the databases as they are now; receipts of the old ones no longer count."""
    times = sum(event.kind is EventKind.ADOPTED for event in events)
    bound = {
        "name": name,
        "environment": environment,
        "ledger": secrets.token_hex(8),
        **identity_words(identities),
    }
    return await ledger.record(EventKind.ADOPTED, bound=bound, unique=f"adopted:{times + 1}")


async def ensure_adopted(
    ledger: Ledger,
    name: str,
    environment: str,
    identify: Callable[[], Awaitable[Mapping[BackendKind, ServerIdentity]]],
    *,
    by_person: bool,
) -> TargetIdentity:
    """Return the identity of a target, adopting it if neither database has a ledger.

    A production target is adopted by a person on the command line only: a wrong class would weaken every gate.

    Raises:
        Refused: not adopted, and this caller may not adopt it (`target-not-adopted`).
        Conflict: the ledger names another target, or the databases are not those it was written for.
    """
    # An empty ledger is none: whoever made its places may have been killed before the first entry.
    if not await ledger.events():
        if environment == "production" and not by_person:
            raise Refused(
                "target-not-adopted",
                f"the production target {name!r} has no ledger yet",
                help=f"Ask a person to run `database-migration adopt --target {name}` in a terminal.",
            )
        # The places of the ledger are part of what a database is known by, so they come first.
        await ledger.prepare()
        await adopt(ledger, name, environment, await identify())
    return read_identity(await ledger.events(), name, environment, await identify())


def read_identity(
    events: list[Event], name: str, environment: str, identities: Mapping[BackendKind, ServerIdentity]
) -> TargetIdentity:
    """Return the target's identity from its ledger.

    Raises:
        Refused: there is no ledger yet (`target-not-adopted`).
        Conflict: `target-mismatch` or `identity-changed`.
    """
    adopted = history.latest(events, EventKind.ADOPTED)
    if adopted is None:
        raise Refused(
            "target-not-adopted",
            f"the target {name!r} has no ledger yet",
            help="Call detect_db_type first.",
            next_tool="detect_db_type",
        )
    if (adopted.bound["name"], adopted.bound["environment"]) != (name, environment):
        raise Conflict(
            "target-mismatch",
            f"these databases belong to the target {adopted.bound['name']!r} ({adopted.bound['environment']}), "
            f"not to {name!r} ({environment})",
            help="Check the URLs and the target's class in the configuration.",
        )
    last = next(event for event in reversed(events) if event.kind in (EventKind.ADOPTED, EventKind.RESTORED))
    found = identity_words(identities)
    # A restore replaces the databases one after the other; until it is finished only the servers can be the same.
    halves = _restore_is_open(events)
    changed = sorted(
        key
        for key in found
        if last.bound.get(key) != found[key] and not (halves and key.endswith(".database"))
    )
    if changed:
        raise Conflict(
            "identity-changed",
            f"the ledger was written for other databases than these: {', '.join(changed)} changed",
            help="If a clone, move or restore by other means explains it, a person adopts the target again: "
            f"`database-migration adopt --target {name}`.",
        )
    return TargetIdentity.model_validate(
        {"name": name, "environment": environment, "ledger_id": adopted.bound["ledger"]}
    )


def _restore_is_open(events: list[Event]) -> bool:
    unfinished = history.read(events).unfinished
    begun = history.latest(events, EventKind.STARTED, plan=unfinished) if unfinished else None
    return begun is not None and begun.bound["kind"] == PlanKind.RESTORE
