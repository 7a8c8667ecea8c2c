"""The chain: every event carries a MAC over itself and the event before it."""

import hashlib
import hmac

from skill_server.errors import Conflict
from skill_server.model.base import canonical
from skill_server.model.receipt import Event

GENESIS = "0" * 64


def seal(event: Event, previous: str, key: bytes) -> Event:
    """Return the event with its MAC: HMAC-SHA256 over the previous MAC and the event's canonical JSON."""
    content = canonical({"previous": previous, **event.model_dump(mode="json", exclude={"mac"})})
    mac = hmac.new(key, content.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return event.model_copy(update={"mac": mac})


def follows(event: Event, previous: Event | None, key: bytes) -> bool:
    """Say whether `event` is a genuine successor of `previous` (None: the first event)."""
    expected = seal(event, previous.mac if previous else GENESIS, key)
    in_order = event.seq == (previous.seq + 1 if previous else 1)
    return in_order and hmac.compare_digest(expected.mac, event.mac)


def check(events: list[Event], key: bytes) -> None:
    """Check a whole chain.

    Raises:
        Conflict: an entry was edited, removed, or added by somebody else (`ledger-tampered`).
    """
    previous: Event | None = None
    for event in events:
        if not follows(event, previous, key):
            raise Conflict(
                "ledger-tampered",
                f"entry {event.seq} of the ledger was not written by this server, or one before it is missing",
                help="Stop; a person finds out who changed it, as docs/emergency.md says.",
            )
        previous = event
