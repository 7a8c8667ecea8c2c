"""Refuse migrations in which one change would remember a definition that another change of it renames."""

from collections.abc import Mapping, Sequence

from skill_server.errors import Invalid
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Entity, Snapshot

_REMEMBERING = actions.RetireField | actions.RetypeField | actions.RetireIndex


def require_apart(chosen: Sequence[Action], snapshots: Mapping[BackendKind, Snapshot]) -> None:
    """Check that no renamed field shares an index or constraint with a field or index that is remembered.

    What a retire or retype takes along is rebuilt on the way back from its old definition, which names fields as they
    were before the rename; undone in reverse order, the definition would meet the new name.

    Raises:
        Invalid: two changes share a definition (`changes-share-a-definition`).
    """
    renames = [action for action in chosen if isinstance(action, actions.RenameField)]
    for remembering in chosen:
        if not isinstance(remembering, _REMEMBERING):
            continue
        for kind, snapshot in snapshots.items():
            entity = snapshot.entity(remembering.entity)
            named = remembering.on(kind) if isinstance(remembering, actions.RetireIndex) else remembering
            shared = _fields_along(named, entity) if entity else frozenset[str]()
            for rename in renames:
                if rename.entity == remembering.entity and rename.field in shared:
                    raise Invalid(
                        "changes-share-a-definition",
                        f"{rename.field} of {rename.entity} is renamed while an index or constraint that names it is "
                        f"taken away with {getattr(remembering, 'field', getattr(remembering, 'name', ''))}",
                        help="Write the rename as a migration of its own.",
                        next_tool="generate_migration",
                    )


def _fields_along(action: Action, entity: Entity) -> frozenset[str]:
    if isinstance(action, actions.RetireIndex):
        index = entity.index(action.name)
        return frozenset(index.fields if index else ())
    field = getattr(action, "field", "")
    groups = [item.fields for item in (*entity.indexes, *entity.constraints) if field in item.fields]
    return frozenset(name for group in groups for name in group if name != field)
