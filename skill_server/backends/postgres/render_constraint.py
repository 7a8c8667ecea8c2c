"""Checks and foreign keys."""

from skill_server.backends.postgres.render_scene import Scene
from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def add_constraint(action: actions.AddConstraint, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Add."""
    raise NotImplementedError


def remove_constraint(
    action: actions.RemoveConstraint, place: Scene, snapshot: Snapshot
) -> tuple[Piece, ...]:
    """Take away."""
    raise NotImplementedError


def retire_constraint(action: actions.RetireConstraint, place: Scene) -> tuple[Piece, ...]:
    """Drop."""
    raise NotImplementedError
