"""A small schema as either database shows it: what problems are looked for in."""

from __future__ import annotations

from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Constraint, Entity, Field, Index, IndexKey, Snapshot

ITEMS = {
    "ItemID": "Integer",
    "ItemName": "String(200)",
    "ItemDesc": "Text",
    "ItemPrice": "String(32)",
    "OwnerID": "Integer",
    "Quantity": "Integer",
    "Seen": "DateTime(tz)",
    "Facts": "Json",
}
USERS = {"UserID": "Integer", "Name": "Text", "Cost": "Decimal(10,2)"}


def snapshot(backend: BackendKind, *, records: int = 5) -> Snapshot:
    """Return the schema of the items and their users."""
    declared = backend is BackendKind.POSTGRES
    index = Index(name="ix_name", keys=(IndexKey(field="ItemName"),), definition="x")
    constraints = (
        Constraint(name="ck_old", kind="check", fields=("Quantity",), definition="x"),
        Constraint(
            name="fk_old", kind="foreign_key", fields=("OwnerID",), definition="x", references="users"
        ),
    )
    items = Entity(
        name="items",
        native_name="items",
        fields=_fields(ITEMS, "ItemID"),
        indexes=(index,),
        constraints=constraints if declared else (),
        key=("ItemID",) if declared else ("_id",),
        records=records,
    )
    users = Entity(
        name="users",
        native_name="users",
        fields=_fields(USERS, "UserID") if records else (),
        key=("UserID",) if declared else ("_id",),
        records=records,
    )
    return Snapshot(
        backend=backend,
        entities=(items, users),
        fingerprint="f",
        declares_fields=declared,
        index_names_are_shared=declared,
    )


def _fields(types: dict[str, str], key: str) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=name,
            native_name=name,
            type=parse(kind),
            native_type="x",
            nullable=name != key,
            default="1" if name == "Quantity" else None,
        )
        for name, kind in types.items()
    )
