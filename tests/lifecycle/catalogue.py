"""One example or more of every change that an author may list, for the tests that walk all of them.

Whatever has a golden plan is walked as well, so that no plan is agreed on that nobody carried out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skill_server import changes
from skill_server.model.change import Change


def a_change(kind: str, **arguments: Any) -> Change:
    """Return a change of the items."""
    return changes.build(kind, entity="items", **arguments)


def a_retype(field: str, was: str, to: str) -> Change:
    """Return a conversion of a field of the items."""
    return a_change("retype_field", field=field, was=was, to=to)


def of_golden_plans() -> dict[str, Change]:
    """Return the changes of all golden folders that hold a plan; the others show a refusal."""
    folders = sorted(path.parent for path in GOLDEN.glob("*/postgres.sql"))
    asked = {folder.name: json.loads((folder / "change.json").read_text()) for folder in folders}
    return {name: changes.build(change.pop("kind"), **change) for name, change in asked.items()}


GOLDEN = Path(__file__).parents[1] / "golden"
_MORE: dict[str, Change] = {
    "add_field": a_change("add_field", field="condition", type="String(40)"),
    "add_field-with-default": a_change("add_field", field="condition", type="Text", default="new ☃"),
    "add_field-never-empty": a_change("add_field", field="rank", type="Integer", nullable=False, default=7),
    "rename_field": a_change("rename_field", field="ItemDesc", to="description"),
    "rename_field-indexed": a_change("rename_field", field="ItemName", to="title"),
    "rename_field-unique": a_change("rename_field", field="Serial", to="serial_number"),
    "rename_field-referencing": a_change("rename_field", field="OwnerID", to="owner"),
    "drop_field": a_change("drop_field", field="Facts"),
    "drop_field-indexed": a_change("drop_field", field="ItemName", fill="unnamed"),
    "drop_field-in-expression-and-predicate": a_change("drop_field", field="Price"),
    "drop_field-checked": a_change("drop_field", field="Quantity"),
    "drop_field-unique": a_change("drop_field", field="Serial"),
    "drop_field-referencing": a_change("drop_field", field="OwnerID"),
    "retype_field-string-to-text": a_retype("ItemName", "String(200)", "Text"),
    "retype_field-text-to-string": a_retype("ItemDesc", "Text", "String(80)"),
    "retype_field-unique": a_retype("Serial", "String(64)", "String(80)"),
    "retype_field-string-to-decimal": a_retype("Price", "String(32)", "Decimal(12,2)"),
    "retype_field-string-to-float": a_retype("Price", "String(32)", "Float"),
    "retype_field-text-to-date": a_retype("Bought", "Text", "Date"),
    "retype_field-text-to-boolean": a_retype("Flag", "Text", "Boolean"),
    "retype_field-text-to-uuid": a_retype("Key", "Text", "Uuid"),
    "retype_field-uuid-to-text": a_retype("Token", "Uuid", "Text"),
    "retype_field-integer-to-big": a_retype("Quantity", "Integer", "BigInteger"),
    "retype_field-integer-to-decimal": a_retype("Quantity", "Integer", "Decimal(12,2)"),
    "retype_field-big-to-integer": a_retype("Big", "BigInteger", "Integer"),
    "retype_field-big-to-text": a_retype("Big", "BigInteger", "Text"),
    "retype_field-float-to-decimal": a_retype("Weight", "Float", "Decimal(12,1)"),
    "retype_field-float-to-integer": a_retype("Weight", "Float", "Integer"),
    "retype_field-decimal-to-integer": a_retype("Cost", "Decimal(10,2)", "Integer"),
    "retype_field-decimal-to-text": a_retype("Cost", "Decimal(10,2)", "Text"),
    "retype_field-boolean-to-integer": a_retype("Active", "Boolean", "Integer"),
    "retype_field-date-to-moment": a_retype("Sold", "Date", "DateTime(tz)"),
    "retype_field-moment-to-date": a_retype("Seen", "DateTime", "Date"),
    "retype_field-moment-to-text": a_retype("Moment", "DateTime(tz)", "Text"),
    "add_index": a_change("add_index", name="by_price", fields=("Price",)),
    "add_index-unique": a_change("add_index", name="by_name", fields=("ItemName", "ItemID"), unique=True),
    "add_index-descending": a_change("add_index", name="newest", fields=("-Seen", "ItemName")),
    "drop_index": a_change("drop_index", name="ix_items_ItemName"),
}
_SHOWN = of_golden_plans()
CHANGES: dict[str, Change] = {
    **{f"golden-{name}": change for name, change in _SHOWN.items()},
    **{name: change for name, change in _MORE.items() if change not in _SHOWN.values()},
}
