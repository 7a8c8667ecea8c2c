"""Every action of the closed set, as it is played on each backend."""

from __future__ import annotations

from skill_server.model import action as actions
from skill_server.model.action import Action, CheckSpec, FieldSpec, ReferenceSpec
from skill_server.model.flow import Assignment, Copy, Expressions
from skill_server.model.logical import parse
from skill_server.model.rule import Rule
from skill_server.model.snapshot import Condition, IndexKey

ADDED = actions.AddField(entity="items", field="rank", type=parse("Integer"), nullable=False, default=7)
BUILT = actions.BuildIndex(
    entity="items", name="by_price", keys=(IndexKey(field="Price", descending=True), IndexKey(field="Name"))
)
RETIRED = actions.RetireField(entity="items", field="Note")
RETYPED = actions.RetypeField(
    entity="items", field="Price", was=parse("String(32)"), to=parse("Decimal(12,2)")
)
LEVEL = actions.AddField(entity="items", field="level", type=parse("Integer"), default=7)
VISITS = actions.AddEntity(
    entity="visits",
    fields=(
        FieldSpec(name="id", type=parse("Integer"), identity=True),
        FieldSpec(name="item", type=parse("Integer")),
        FieldSpec(name="note", type=parse("String(40)"), nullable=False, default="it's \\ new"),
    ),
    key=("id",),
)
COPIED = actions.CopyRecords(
    entity="visits",
    copy_of=Copy(entity="items", mapping={"id": "ItemID", "item": "ItemID", "note": "Name"}, key=("id",)),
)
UPDATED = actions.UpdateValues(
    entity="items",
    forward=Assignment(
        writes=("Note", "Quantity"),
        formula=Expressions(
            postgres={"Note": 'upper(t."Name")', "Quantity": "NULL"},
            mongodb={"Note": {"$toUpper": "$Name"}, "Quantity": None},
        ),
    ),
)
CHECKED = actions.AddConstraint(
    entity="items",
    name="name_rule",
    spec=CheckSpec(field="Name", rule=Rule(min_length=1, max_length=20, pattern="^.*[^0-9]$")),
)
REFERRED = actions.AddConstraint(
    entity="visits",
    name="visits_item",
    spec=ReferenceSpec(field="item", references="items", references_field="ItemID", on_delete="cascade"),
)
RETIRED_ENTITY = actions.RetireEntity(entity="visits")
DEFAULTED = actions.SetDefault(entity="items", field="Quantity", default=5)
RAW = actions.RunRaw(
    entity="items",
    entities=("extras",),
    postgres=("CREATE TABLE extras (id integer PRIMARY KEY)", """UPDATE items SET "Note" = 'raw'"""),
    mongodb=(
        {"create": "extras"},
        {
            "update": "item",
            "updates": [{"q": {"_id": {"$exists": True}}, "u": {"$set": {"Quantity": 8}}, "multi": True}],
        },
    ),
    undo_postgres=("DROP TABLE extras",),
    undo_mongodb=(
        {
            "update": "item",
            "updates": [{"q": {"_id": {"$exists": True}}, "u": {"$set": {"Quantity": 9}}, "multi": True}],
        },
    ),
)


def shaped(name: str, *fields: str, **words: object) -> actions.BuildIndex:
    """Return the building of an index of a less usual shape."""
    return actions.BuildIndex.model_validate(
        {"entity": "items", "name": name, "keys": [IndexKey(field=field) for field in fields], **words}
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
    "build_index-partial": (
        shaped("some", "Quantity", where=(Condition(field="Quantity", operator=">=", value=1),)),
        (),
    ),
    "build_index-present": (
        shaped("noted", "Note", where=(Condition(field="Note", operator="present"),)),
        (),
    ),
    "build_index-ignore_case": (shaped("folded", "Name", ignore_case=True, unique=True), ()),
    "build_index-expression": (shaped("computed", "Quantity", expression='"Quantity" % 10'), ()),
    "set_default": (DEFAULTED, ()),
    "set_default-none": (actions.SetDefault(entity="items", field="Quantity"), ()),
    "set_nullable-required": (
        actions.SetNullable(entity="items", field="level", nullable=False),
        (LEVEL,),
    ),
    "set_nullable-empty": (actions.SetNullable(entity="items", field="Name", nullable=True), ()),
    "add_entity": (VISITS, ()),
    "remove_entity": (VISITS.inverse(), (VISITS,)),
    "rename_entity": (actions.RenameEntity(entity="items", to="things"), ()),
    "move_entity": (actions.MoveEntity(entity="items", was="public", to="archive"), ()),
    "retire_entity": (actions.RetireEntity(entity="items"), ()),
    "add_constraint-check": (CHECKED, ()),
    "add_constraint-reference": (REFERRED, (VISITS, COPIED)),
    "remove_constraint-check": (CHECKED.inverse(), (CHECKED,)),
    "remove_constraint-reference": (REFERRED.inverse(), (VISITS, REFERRED)),
    "retire_constraint-check": (
        actions.RetireConstraint(entity="items", name="name_rule", of="check", field="Name"),
        (CHECKED,),
    ),
    "retire_constraint-reference": (
        actions.RetireConstraint(entity="visits", name="visits_item", of="reference", field="item"),
        (VISITS, REFERRED),
    ),
    "update_values": (UPDATED, ()),
    "copy_records": (COPIED, (VISITS,)),
}
# What deletes for good, and what it deletes the kept values of.
DELETING: dict[str, tuple[Action, tuple[Action, ...]]] = {
    "purge_field": (actions.PurgeField(entity="items", field="Note"), (RETIRED,)),
    "purge_type": (actions.PurgeType(entity="items", field="Price", to=RETYPED.to), (RETYPED,)),
    "purge_entity": (actions.PurgeEntity(entity="visits"), (VISITS, RETIRED_ENTITY)),
    "purge_values-update": (actions.PurgeValues(entity="items", fields=("Note", "Quantity")), (UPDATED,)),
    "purge_values-copy": (actions.PurgeValues(entity="visits", fields=()), (VISITS, COPIED)),
}
# What only a stored plan can do, because the schema of today no longer says what comes back.
UNDOING: dict[str, Action] = {
    "restore_field": actions.RestoreField(entity="items", field="Note"),
    "restore_type": actions.RestoreType(
        entity="items", field="Price", was=parse("String(32)"), to=parse("Decimal(12,2)")
    ),
    "restore_index": actions.RestoreIndex(entity="items", name="by_note"),
    "undo": actions.Undo(entity="items", undone=DEFAULTED),
}
