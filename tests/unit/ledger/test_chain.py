"""The chain notices every edit, removal, reordering and foreign row."""

from datetime import UTC, datetime

import pytest

from skill_server.errors import Conflict
from skill_server.ledger import chain
from skill_server.model.receipt import Event, EventKind

KEY = b"k" * 32


def events(count: int, key: bytes = KEY) -> list[Event]:
    """Return a genuine chain."""
    made: list[Event] = []
    for seq in range(1, count + 1):
        event = Event(
            seq=seq, kind=EventKind.BACKUP, at=datetime.now(UTC), bound={"n": str(seq)}, body={"n": seq}
        )
        made.append(chain.seal(event, made[-1].mac if made else chain.GENESIS, key))
    return made


def test_a_genuine_chain_passes() -> None:
    """Nothing is wrong with what the server itself wrote."""
    chain.check(events(4), KEY)


@pytest.mark.parametrize(
    "edit",
    [
        {"body": {"n": 99}},
        {"bound": {"n": "99"}},
        {"kind": EventKind.APPROVAL},
        {"unique": "spent:1"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_edited_row_breaks_the_chain(edit: dict[str, object]) -> None:
    """Every word of a row is under the MAC."""
    rows = events(3)
    rows[1] = rows[1].model_copy(update=edit)
    with pytest.raises(Conflict, match="entry 2"):
        chain.check(rows, KEY)


def test_a_removed_row_breaks_the_chain() -> None:
    """A spent approval cannot be unspent by deleting the row."""
    rows = events(3)
    with pytest.raises(Conflict):
        chain.check([rows[0], rows[2]], KEY)


def test_a_row_sealed_with_another_key_does_not_count() -> None:
    """A forger without the key cannot add a receipt."""
    rows = events(2)
    forged = Event(seq=3, kind=EventKind.APPROVAL, at=datetime.now(UTC))
    with pytest.raises(Conflict, match="entry 3"):
        chain.check([*rows, chain.seal(forged, rows[-1].mac, b"x" * 32)], KEY)
