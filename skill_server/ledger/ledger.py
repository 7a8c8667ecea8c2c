"""The ledger of a target: what counts is what both databases hold and the chain proves."""

from collections.abc import Mapping
from datetime import UTC, datetime

from skill_server.backends.base import EventStore
from skill_server.errors import Conflict
from skill_server.ledger import chain
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Event, EventKind

# How often to read two ledgers that differ, and to write an entry whose place somebody took.
READS = 3
WRITES = 5


class Ledger:
    """One chain of events, mirrored in the databases of a pair.

    An event is written to MongoDB first and to PostgreSQL second, and counts once both hold it. A crash between the two
    leaves a genuine successor on one side, which the next reader copies to the other.
    """

    # MongoDB first: its row cannot ride in a transaction with the PostgreSQL row, so the order is fixed for recovery.
    ORDER = (BackendKind.MONGODB, BackendKind.POSTGRES)

    def __init__(self, stores: Mapping[BackendKind, EventStore], key: bytes) -> None:
        self._stores = stores
        self._key = key

    async def presence(self) -> dict[BackendKind, bool]:
        """Say in which databases a ledger exists."""
        return {kind: await self._stores[kind].exists() for kind in self.ORDER}

    async def prepare(self) -> None:
        """Create the ledger's places in both databases."""
        for kind in self.ORDER:
            await self._stores[kind].prepare()

    async def events(self) -> list[Event]:
        """Return every event that counts, oldest first.

        Raises:
            Conflict: the databases disagree (`ledger-disagrees`) or the chain is broken (`ledger-tampered`).
        """
        held = await self._held()
        longest = max(held.values(), key=len)
        chain.check(longest, self._key)
        for kind in self.ORDER:
            for missing in longest[len(held[kind]) :]:
                await self._stores[kind].prepare()
                await self._append(kind, missing)
        return longest

    async def record(
        self,
        kind: EventKind,
        *,
        bound: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        unique: str | None = None,
    ) -> Event:
        """Add an event to both databases and return it.

        Raises:
            Conflict: `unique` was recorded before, or another server wrote at the same moment (`ledger-race`).
        """
        for attempt in range(WRITES):
            event = self._next(await self.events(), kind, dict(bound or {}), dict(body or {}), unique)
            try:
                await self._append(self.ORDER[0], event)
            except Conflict:
                # Somebody wrote another entry at the same moment; whoever was second comes after it.
                if attempt == WRITES - 1:
                    raise
                continue
            for backend in self.ORDER[1:]:
                await self._append(backend, event)
            return event
        raise AssertionError("the last attempt returns or raises")

    async def _held(self) -> dict[BackendKind, list[Event]]:
        """Read both ledgers, of which one may be one entry behind."""
        apart = ""
        for _ in range(READS):
            held = {
                kind: (await store.events() if await store.exists() else [])
                for kind, store in self._stores.items()
            }
            longest = max(held.values(), key=len)
            behind = {kind: len(longest) - len(own) for kind, own in held.items()}
            apart = next((k for k, own in held.items() if own != longest[: len(own)] or behind[k] > 1), "")
            if not apart:
                return held
            # They are read one after the other, and another call may have written between.
        raise Conflict(
            "ledger-disagrees",
            f"the ledger in {apart} holds other entries than the one in the other database",
            help="Check that both URLs lead to the databases of this target; if they do, a person finds out "
            "what changed one of them, as docs/emergency.md says.",
        )

    def _next(
        self,
        events: list[Event],
        kind: EventKind,
        bound: dict[str, str],
        body: JsonObject,
        unique: str | None,
    ) -> Event:
        if unique is not None and any(event.unique == unique for event in events):
            raise Conflict(
                "already-recorded",
                f"the ledger already holds {unique.split(':')[0]} for this subject",
                help="Ask migration_status what happened.",
                next_tool="migration_status",
            )
        last = events[-1] if events else None
        unsealed = Event(
            seq=last.seq + 1 if last else 1,
            kind=kind,
            at=datetime.now(UTC),
            bound=bound,
            body=body,
            unique=unique,
        )
        return chain.seal(unsealed, last.mac if last else chain.GENESIS, self._key)

    async def _append(self, kind: BackendKind, event: Event) -> None:
        """Store an event in one database, or find that a reader who met it half-written was faster."""
        try:
            await self._stores[kind].append(event)
        except Conflict:
            if event not in await self._stores[kind].events():
                raise
