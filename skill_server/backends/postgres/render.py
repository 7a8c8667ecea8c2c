"""How PostgreSQL carries out each action, both ways: the dispatch; each family of actions has a file."""

from typing import assert_never

from skill_server.backends import flows, references
from skill_server.backends.postgres import (
    expression,
    render_add,
    render_constraint,
    render_default,
    render_entity,
    render_entity_name,
    render_entity_retire,
    render_index,
    render_raw,
    render_rename,
    render_retire,
    render_retype,
)
from skill_server.backends.postgres.render_scene import Scene, scene, undone_by_plan
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
            return render_entity.add_entity(action, snapshot, names)
        case actions.RunRaw():
            return render_raw.run_raw(action)
        case actions.CopyRecords() if action.copy_of.database is BackendKind.POSTGRES:
            return flows.copy(action, migration, action.entity, here=BackendKind.POSTGRES)
        case actions.PurgeEntity():
            return render_entity_retire.purge_entity(action, migration)
        case actions.Undo():
            raise undone_by_plan(f"undo {action.undone.kind}")
        case actions.AddField():
            return render_add.add_field(action, place())
        case actions.RemoveField():
            return render_add.remove_field(action, place())
        case actions.RenameField():
            return render_rename.rename_field(action, place())
        case actions.RetireField():
            return render_retire.retire_field(action, place())
        case actions.RetypeField():
            return render_retype.retype_field(action, place(), snapshot)
        case actions.SetDefault():
            return render_default.set_default(action, place())
        case actions.SetNullable():
            return render_default.set_nullable(action, place())
        case actions.BuildIndex():
            return render_index.build_index(action, place(), snapshot)
        case actions.RemoveIndex():
            return render_index.remove_index(action, place())
        case actions.RetireIndex():
            return render_index.retire_index(action, place())
        case actions.RemoveEntity():
            return render_entity.remove_entity(action, place())
        case actions.RenameEntity():
            return render_entity_name.rename_entity(action, place(), snapshot)
        case actions.MoveEntity():
            return render_entity_name.move_entity(action, place(), snapshot)
        case actions.RetireEntity():
            return render_entity_retire.retire_entity(action, place(), snapshot)
        case actions.AddConstraint():
            return render_constraint.add_constraint(action, place(), snapshot)
        case actions.RemoveConstraint():
            return render_constraint.remove_constraint(action, place(), snapshot)
        case actions.RetireConstraint():
            return render_constraint.retire_constraint(action, place())
        case actions.UpdateValues():
            expression.require_plain(action)
            place().require_key()
            return flows.update(action, place().migration, place().table, here=BackendKind.POSTGRES)
        case actions.CopyRecords():
            return flows.copy(action, place().migration, place().table, here=BackendKind.POSTGRES)
        case actions.PurgeField() | actions.PurgeType():
            return render_retire.purge(action, snapshot, names, migration)
        case actions.PurgeValues():
            return render_retire.purge_values(action, migration)
        case actions.RestoreField() | actions.RestoreType() | actions.RestoreIndex():
            raise undone_by_plan(action.kind)
        case _:
            assert_never(action)
