"""Whole tables."""

from skill_server.backends.postgres.render_scene import Scene
from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def add_entity(
    action: actions.AddEntity, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Create."""
    raise NotImplementedError


def remove_entity(action: actions.RemoveEntity, place: Scene) -> tuple[Piece, ...]:
    """Take away."""
    raise NotImplementedError


def rename_entity(action: actions.RenameEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Rename."""
    raise NotImplementedError


def move_entity(action: actions.MoveEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Move."""
    raise NotImplementedError


def retire_entity(action: actions.RetireEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Hide."""
    raise NotImplementedError


def purge_entity(
    action: actions.PurgeEntity, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Delete."""
    raise NotImplementedError
