"""Defaults and NOT NULL."""

from skill_server.backends.postgres.render_scene import Scene
from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def set_default(action: actions.SetDefault, place: Scene) -> tuple[Piece, ...]:
    """Set or drop a default."""
    raise NotImplementedError


def set_nullable(action: actions.SetNullable, place: Scene) -> tuple[Piece, ...]:
    """Require a value, or no longer."""
    raise NotImplementedError
