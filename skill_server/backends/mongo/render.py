"""How MongoDB carries out each action, both ways; pure, from what the snapshot holds."""

from __future__ import annotations

from typing import assert_never

from skill_server.backends.mongo.render_field import add, remove
from skill_server.backends.mongo.render_index import build, remove_built, retire_index
from skill_server.backends.mongo.render_rename import rename
from skill_server.backends.mongo.render_retire import purge, retire
from skill_server.backends.mongo.render_type import retype
from skill_server.errors import Refused
from skill_server.model.action import (
    Action,
    AddField,
    BuildIndex,
    PurgeField,
    PurgeType,
    RemoveField,
    RemoveIndex,
    RenameField,
    RestoreField,
    RestoreIndex,
    RestoreType,
    RetireField,
    RetireIndex,
    RetypeField,
)
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def render(action: Action, snapshot: Snapshot, names: NameMap, *, migration: str) -> tuple[Piece, ...]:
    """Return the pieces of an action in the order of their phases.

    Raises:
        Refused: the action cannot be done safely here.
        Invalid: a default is no value of its type.
    """
    match action:
        case AddField():
            return add(action, snapshot, names, migration)
        case RemoveField():
            return remove(action, snapshot, names, migration)
        case RenameField():
            return rename(action, snapshot, names, migration)
        case RetireField():
            return retire(action, snapshot, names, migration)
        case RetypeField():
            return retype(action, snapshot, names, migration)
        case BuildIndex():
            return build(action, snapshot, names)
        case RemoveIndex():
            return remove_built(action, snapshot, names)
        case RetireIndex():
            return retire_index(action, snapshot, names)
        case PurgeField() | PurgeType():
            return purge(action, snapshot, names, migration)
        case RestoreField() | RestoreType() | RestoreIndex():
            # Validator, indexes and values as they were stand in the plan of the upgrade, not in the schema of today.
            raise Refused(
                "undo-only",
                f"{action.kind} only undoes an applied migration, whose stored plan holds what comes back",
                help="Downgrade the migration instead.",
                next_tool="run_downgrade",
            )
        case _:
            assert_never(action)
