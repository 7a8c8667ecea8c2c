"""What a restore means for the state of a target."""

from datetime import UTC, datetime

import pytest

from skill_server.ledger import history
from skill_server.model.receipt import Event, EventKind

AT = datetime(2026, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize("differences", [[], ["postgres items: holds 11 records instead of 12"]])
def test_a_restore_needs_attention_exactly_where_something_differs(differences: list[str]) -> None:
    """Its databases are the backup's either way, and only one of the two may let the next change through."""
    events = [
        Event(seq=1, kind=EventKind.STARTED, at=AT, bound={"plan": "p"}),
        Event(
            seq=2,
            kind=EventKind.RESTORED,
            at=AT,
            bound={"plan": "p"},
            body={"applied": [], "differences": differences},
        ),
    ]

    state = history.read(events)

    assert state.unfinished is None
    assert state.needs_attention == ("p" if differences else None)


def test_a_claim_that_is_renewed_is_still_one_unfinished_run() -> None:
    """A restore that loads a lost copy again writes its claim anew."""
    claim = Event(seq=1, kind=EventKind.STARTED, at=AT, bound={"plan": "p"})

    state = history.read([claim, claim.model_copy(update={"seq": 2})])

    assert (state.unfinished, state.last_change_seq) == ("p", 2)
