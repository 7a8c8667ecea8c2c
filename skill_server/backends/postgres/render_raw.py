"""Statements that an author wrote."""

from skill_server.backends.postgres.render_scene import Scene
from skill_server.model import action as actions
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def run_raw(action: actions.RunRaw, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Run."""
    raise NotImplementedError
