"""How PostgreSQL carries out each action, both ways: the dispatch; each family of actions has a file."""

from typing import assert_never

from skill_server.backends import flows, references
from skill_server.backends.postgres.render import (
    add,
    constraint,
    default,
    entity,
    entity_name,
    entity_retire,
    expression,
    index,
    raw,
    rename,
    retire,
    retype,
)
from skill_server.backends.postgres.render.scene import Scene, scene, undone_by_plan
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Piece
from skill_server.model.snapshot import Snapshot


def render(action: Action, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Return the pieces of one action; pure, see `backends.base.Backend.render`."""
    action = references.resolved(action, snapshot)

    def place() -> Scene:
        return scene(action.entity, snapshot, names, migration)

    match action:
        case actions.AddEntity():
            return entity.add_entity(action, snapshot, names)
        case actions.RunRaw():
            return raw.run_raw(action)
        case actions.CopyRecords() if action.copy_of.database is BackendKind.POSTGRES:
            return flows.copy(action, migration, action.entity, here=BackendKind.POSTGRES)
        case actions.PurgeEntity():
            return entity_retire.purge_entity(action, migration)
        case actions.Undo():
            raise undone_by_plan(f"undo {action.undone.kind}")
        case actions.AddField():
            return add.add_field(action, place())
        case actions.RemoveField():
            return add.remove_field(action, place())
        case actions.RenameField():
            return rename.rename_field(action, place())
        case actions.RetireField():
            return retire.retire_field(action, place())
        case actions.RetypeField():
            return retype.retype_field(action, place(), snapshot)
        case actions.SetDefault():
            return default.set_default(action, place())
        case actions.SetNullable():
            return default.set_nullable(action, place())
        case actions.BuildIndex():
            return index.build_index(action, place(), snapshot)
        case actions.RemoveIndex():
            return index.remove_index(action, place())
        case actions.RetireIndex():
            return index.retire_index(action, place())
        case actions.RemoveEntity():
            return entity.remove_entity(action, place())
        case actions.RenameEntity():
            return entity_name.rename_entity(action, place(), snapshot)
        case actions.MoveEntity():
            return entity_name.move_entity(action, place(), snapshot)
        case actions.RetireEntity():
            return entity_retire.retire_entity(action, place(), snapshot)
        case actions.AddConstraint():
            return constraint.add_constraint(action, place(), snapshot)
        case actions.RemoveConstraint():
            return constraint.remove_constraint(action, place(), snapshot)
        case actions.RetireConstraint():
            return constraint.retire_constraint(action, place())
        case actions.UpdateValues():
            expression.require_plain(action)
            place().require_key()
            return flows.update(action, place().migration, place().table, here=BackendKind.POSTGRES)
        case actions.CopyRecords():
            return flows.copy(action, place().migration, place().table, here=BackendKind.POSTGRES)
        case actions.PurgeField() | actions.PurgeType():
            return retire.purge(action, snapshot, names, migration)
        case actions.PurgeValues():
            return retire.purge_values(action, migration)
        case actions.RestoreField() | actions.RestoreType() | actions.RestoreIndex():
            raise undone_by_plan(action.kind)
        case _:
            assert_never(action)
