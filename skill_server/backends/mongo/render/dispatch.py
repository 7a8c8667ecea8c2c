"""How MongoDB carries out each action, both ways; pure, from what the snapshot holds."""

from __future__ import annotations

from typing import assert_never

from skill_server.backends import flows, references
from skill_server.backends.mongo.render import raw_commands
from skill_server.backends.mongo.render.constraint import add_constraint, remove_constraint, retire_constraint
from skill_server.backends.mongo.render.entity import (
    add_entity,
    move_entity,
    purge_entity,
    remove_entity,
    rename_entity,
    retire_entity,
)
from skill_server.backends.mongo.render.field import add, remove
from skill_server.backends.mongo.render.index import build, remove_built, retire_index
from skill_server.backends.mongo.render.null import set_default, set_nullable
from skill_server.backends.mongo.render.raw import run_raw
from skill_server.backends.mongo.render.rename import rename
from skill_server.backends.mongo.render.rendering import require_collection
from skill_server.backends.mongo.render.retire import purge, purge_values, retire
from skill_server.backends.mongo.render.type import retype
from skill_server.errors import Refused
from skill_server.model.action import (
    Action,
    AddConstraint,
    AddEntity,
    AddField,
    BuildIndex,
    CopyRecords,
    MoveEntity,
    PurgeEntity,
    PurgeField,
    PurgeType,
    PurgeValues,
    RemoveConstraint,
    RemoveEntity,
    RemoveField,
    RemoveIndex,
    RenameEntity,
    RenameField,
    RestoreField,
    RestoreIndex,
    RestoreType,
    RetireConstraint,
    RetireEntity,
    RetireField,
    RetireIndex,
    RetypeField,
    RunRaw,
    SetDefault,
    SetNullable,
    Undo,
    UpdateValues,
)
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def render(action: Action, snapshot: Snapshot, names: NameMap, *, migration: str) -> tuple[Piece, ...]:
    """Return the pieces of an action in the order of their phases.

    Raises:
        Refused: the action cannot be done safely here.
        Invalid: a default is no value of its type.
    """
    action = references.resolved(action, snapshot)
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
        case SetDefault():
            return set_default(action, snapshot, names)
        case SetNullable():
            return set_nullable(action, snapshot, names, migration)
        case AddEntity():
            return add_entity(action, snapshot, names, migration)
        case RemoveEntity():
            return remove_entity(action, snapshot, names, migration)
        case RenameEntity():
            return rename_entity(action, snapshot, names)
        case MoveEntity():
            return move_entity(action, snapshot, names)
        case RetireEntity():
            return retire_entity(action, snapshot, names, migration)
        case PurgeEntity():
            return purge_entity(action, snapshot, names, migration)
        case AddConstraint():
            return add_constraint(action, snapshot, names, migration)
        case RemoveConstraint():
            return remove_constraint(action, snapshot, names, migration)
        case RetireConstraint():
            return retire_constraint(action, snapshot, names, migration)
        case UpdateValues():
            raw_commands.require_plain(action)
            native = require_collection(snapshot, names, action.entity)[1]
            return flows.update(action, migration, native, here=BackendKind.MONGODB)
        case CopyRecords():
            native = names.native_entity(action.entity, BackendKind.MONGODB)
            return flows.copy(action, migration, native, here=BackendKind.MONGODB)
        case PurgeValues():
            return purge_values(action, names, migration)
        case RunRaw():
            return run_raw(action, names)
        case BuildIndex():
            return build(action, snapshot, names)
        case RemoveIndex():
            return remove_built(action, snapshot, names)
        case RetireIndex():
            return retire_index(action, snapshot, names)
        case PurgeField() | PurgeType():
            return purge(action, names, migration)
        case RestoreField() | RestoreType() | RestoreIndex() | Undo():
            # Validator, indexes and values as they were stand in the plan of the upgrade, not in the schema of today.
            raise Refused(
                "undo-only",
                f"{action.kind} only undoes an applied migration, whose stored plan holds what comes back",
                help="Downgrade the migration instead.",
                next_tool="run_downgrade",
            )
        case _:
            assert_never(action)
