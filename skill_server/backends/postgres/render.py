"""How PostgreSQL carries out each action, both ways: the dispatch; each family of actions has a file."""

from typing import assert_never

from skill_server.backends.postgres import (
    render_add,
    render_index,
    render_rename,
    render_retire,
    render_retype,
)
from skill_server.backends.postgres.render_scene import scene, undone_by_plan
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def render(action: Action, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Return the pieces of one action; pure, see `backends.base.Backend.render`."""
    place = scene(action.entity, snapshot, names, migration)
    match action:
        case actions.AddField():
            return render_add.add_field(action, place)
        case actions.RemoveField():
            return render_add.remove_field(action, place)
        case actions.RenameField():
            return render_rename.rename_field(action, place)
        case actions.RetireField():
            return render_retire.retire_field(action, place)
        case actions.RetypeField():
            return render_retype.retype_field(action, place)
        case actions.BuildIndex():
            return render_index.build_index(action, place, snapshot)
        case actions.RemoveIndex():
            return render_index.remove_index(action, place)
        case actions.RetireIndex():
            return render_index.retire_index(action, place)
        case actions.PurgeField() | actions.PurgeType():
            return render_retire.purge(action, place)
        case actions.RestoreField() | actions.RestoreType() | actions.RestoreIndex():
            raise undone_by_plan(action.kind)
        case _:
            assert_never(action)
