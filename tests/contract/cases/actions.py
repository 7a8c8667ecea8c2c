"""Every action of the closed set, as it is played on each backend."""

from __future__ import annotations

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.logical import parse
from skill_server.model.snapshot import IndexKey

ADDED = actions.AddField(entity="items", field="rank", type=parse("Integer"), nullable=False, default=7)
BUILT = actions.BuildIndex(
    entity="items", name="by_price", keys=(IndexKey(field="Price", descending=True), IndexKey(field="Name"))
)
RETIRED = actions.RetireField(entity="items", field="Note")
RETYPED = actions.RetypeField(
    entity="items", field="Price", was=parse("String(32)"), to=parse("Decimal(12,2)")
)

# The action, and what has to be done before it can be.
ACTIONS: dict[str, tuple[Action, tuple[Action, ...]]] = {
    "add_field": (ADDED, ()),
    "add_field-empty": (actions.AddField(entity="items", field="hint", type=parse("Text")), ()),
    "remove_field": (ADDED.inverse(), (ADDED,)),
    "rename_field": (actions.RenameField(entity="items", field="Note", to="remark"), ()),
    "rename_field-unique": (actions.RenameField(entity="items", field="Name", to="title"), ()),
    "retire_field": (RETIRED, ()),
    "retire_field-required": (actions.RetireField(entity="items", field="Name"), ()),
    "retype_field": (RETYPED, ()),
    "build_index": (BUILT, ()),
    "build_index-unique": (
        actions.BuildIndex(
            entity="items", name="once", keys=(IndexKey(field="Name"), IndexKey(field="Note")), unique=True
        ),
        (),
    ),
    "remove_index": (BUILT.inverse(), (BUILT,)),
    "retire_index": (actions.RetireIndex(entity="items", name="by_note"), ()),
    "retire_index-unique": (actions.RetireIndex(entity="items", name="by_name"), ()),
}
# What deletes for good, and what it deletes the kept values of.
DELETING: dict[str, tuple[Action, Action]] = {
    "purge_field": (actions.PurgeField(entity="items", field="Note"), RETIRED),
    "purge_type": (actions.PurgeType(entity="items", field="Price"), RETYPED),
}
# What only a stored plan can do, because the schema of today no longer says what comes back.
UNDOING: dict[str, Action] = {
    "restore_field": actions.RestoreField(entity="items", field="Note"),
    "restore_type": actions.RestoreType(
        entity="items", field="Price", was=parse("String(32)"), to=parse("Decimal(12,2)")
    ),
    "restore_index": actions.RestoreIndex(entity="items", name="by_note"),
}
