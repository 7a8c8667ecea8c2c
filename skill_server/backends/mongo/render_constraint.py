"""Rules and references."""

from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def add_constraint(
    action: actions.AddConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Add."""
    raise NotImplementedError


def remove_constraint(
    action: actions.RemoveConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Take away."""
    raise NotImplementedError


def retire_constraint(
    action: actions.RetireConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Drop."""
    raise NotImplementedError
