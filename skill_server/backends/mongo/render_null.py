"""Defaults and required fields."""

from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def set_default(action: actions.SetDefault, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Say that MongoDB has no defaults."""
    raise NotImplementedError


def set_nullable(
    action: actions.SetNullable, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Require a value, or no longer."""
    raise NotImplementedError
