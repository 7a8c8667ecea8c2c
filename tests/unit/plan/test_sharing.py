"""Nothing is renamed while a definition that names it is remembered for the way back."""

from typing import Any

import pytest

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Constraint, Dependent, Entity, Field, Index, Snapshot
from skill_server.plan.sharing import require_apart


def entity(name: str, *fields: str, **more: Any) -> Entity:
    """Return an entity with fields."""
    made = tuple(Field(name=field, native_name=field, type=None, native_type="text") for field in fields)
    return Entity(name=name, native_name=name, fields=made, **more)


LINK = Constraint(
    name="fk",
    kind="foreign_key",
    fields=("owner",),
    definition="",
    references="users",
    references_fields=("id",),
)
ITEMS = entity(
    "items",
    "owner",
    "a",
    "b",
    "c",
    "d",
    indexes=(Index(name="ix", keys=(), fields=("a", "b"), definition=""),),
    constraints=(LINK,),
    dependents=(Dependent(kind="view", name="v", fields=("c", "d")),),
)
SNAPSHOT = Snapshot(backend=BackendKind.POSTGRES, entities=(ITEMS, entity("users", "id")), fingerprint="f")


def field(kind: str, name: str, entity: str = "items", **more: str) -> tuple[str, dict[str, Any]]:
    """Return a change of a field."""
    return kind, {"entity": entity, "field": name, **more}


def check(*asked: tuple[str, dict[str, Any]]) -> None:
    """Check that changes may be in one migration."""
    chosen = [action for kind, given in asked for action in changes.build(kind, **given).expand()]
    require_apart(chosen, {BackendKind.POSTGRES: SNAPSHOT})


RENAMED = {
    "a field of the same index": (field("drop_field", "a"), field("rename_field", "b", to="z"), "b of items"),
    "a field of the same view": (
        field("retype_field", "c", was="Text", to="Integer"),
        field("rename_field", "d", to="z"),
        "d of items",
    ),
    "a field of a dropped index": (
        ("drop_index", {"entity": "items", "name": "ix"}),
        field("rename_field", "a", to="z"),
        "a of items",
    ),
    "the entity that a dropped field names": (
        field("drop_field", "owner"),
        ("rename_entity", {"entity": "users", "to": "people"}),
        "the entity users",
    ),
    "the field that a dropped reference names": (
        ("drop_relationship", {"entity": "items", "field": "owner", "name": "fk"}),
        field("rename_field", "id", "users", to="number"),
        "id of users",
    ),
    "the entity that names a converted field": (
        field("retype_field", "id", "users", was="Integer", to="BigInteger"),
        ("rename_entity", {"entity": "items", "to": "goods"}),
        "the entity items",
    ),
    "the field that names a dropped entity": (
        ("drop_entity", {"entity": "users"}),
        field("rename_field", "owner", to="holder"),
        "owner of items",
    ),
}


@pytest.mark.parametrize("case", RENAMED)
def test_a_rename_of_what_a_remembered_definition_names_is_refused(case: str) -> None:
    """Undone in reverse order, the old definition would meet the new name."""
    remembering, rename, thing = RENAMED[case]

    for listed in ((remembering, rename), (rename, remembering)):
        with pytest.raises(Invalid, match=f": {thing} is renamed") as caught:
            check(*listed)
        assert caught.value.code == "changes-share-a-definition"


def test_renames_that_no_remembered_definition_names_are_fine() -> None:
    """Most migrations rename one thing and drop another."""
    check(field("drop_field", "a"), field("rename_field", "c", to="z"))
    check(field("rename_field", "a", to="x"), field("rename_field", "b", to="y"))
    check(field("drop_field", "a"), ("rename_entity", {"entity": "users", "to": "people"}))
