"""Records as plain values: what moves of values may rely on, asked of both databases alike."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from skill_server.backends.base import Backend
from skill_server.backends.records import Edit, Record
from skill_server.errors import MigrationError
from skill_server.model.flow import Expressions
from tests.contract.cases.ground import Ground

KEPT = "values_0123456789abcdef"
NEW_KEPT = "values_fedcba9876543210"
# The key field of the ground's items: a column of its own on one, `_id` on the other (see the name map).
KEY = "ItemID"


async def everything(
    backend: Backend,
    fields: tuple[str, ...],
    *,
    limit: int = 2,
    kept: str | None = None,
    expressions: Expressions | None = None,
) -> list[Record]:
    """Return all records, read page by page."""
    found: list[Record] = []
    while True:
        after = found[-1].key if found else None
        page = await backend.records.page(
            "items", fields, after=after, limit=limit, kept=kept, expressions=expressions
        )
        found += page
        if len(page) < limit:
            return found


def upper(record: Record) -> Edit:
    """Return the edit that writes a name in capitals into the note as well."""
    name = record.values["Name"]
    return Edit(key=record.key, read={"Name": name}, write={"Name": name.upper(), "Note": name})


async def test_pages_hold_every_record_once_in_the_order_of_keys(ground: Ground) -> None:
    """A record that a page forgets keeps its old value for ever."""
    for limit in (1, 2, 5, 6):
        records = await everything(ground.backend, ("Name",), limit=limit)
        assert [record.values["Name"] for record in records] == [
            "hammer",
            "saw",
            "工具箱",
            "nail",
            "drill 🪛",
        ]
        assert [record.shown for record in records] == ["1", "2", "3", "4", "5"]


async def test_a_page_goes_on_after_a_record_that_is_gone(ground: Ground) -> None:
    """The application may delete a record between two pages."""
    first = await ground.backend.records.page("items", ["Name"], after=None, limit=2)
    await ground.store.delete(2)
    rest = await ground.backend.records.page("items", ["Name"], after=first[-1].key, limit=10)
    assert [record.shown for record in rest] == ["3", "4", "5"]


async def test_values_are_plain_and_found_by_the_value_of_a_field(ground: Ground) -> None:
    """A lookup joins on values that the other side wrote, and null joins nothing."""
    found = await ground.backend.records.find(
        "items", "Name", ["saw", None, "drill 🪛", "none"], ["Quantity"]
    )
    assert [record.values for record in found] == [
        {"Name": "saw", "Quantity": 0},
        {"Name": "drill 🪛", "Quantity": 2147483647},
    ]
    assert await ground.backend.records.find("items", "Name", [], ["Quantity"]) == []
    by_key = await ground.backend.records.find("items", KEY, [3, 1], ["Name"])
    assert [record.values[KEY] for record in by_key] == [1, 3]


async def test_an_update_writes_and_a_revert_gives_every_byte_back(ground: Ground) -> None:
    """What a move of values does is undone without a trace where nobody wrote between."""
    before = await ground.content()
    records = ground.backend.records
    await records.keep(KEPT, "items", ["Name", "Note"])
    await records.keep(KEPT, "items", ["Name", "Note"])
    found = await everything(ground.backend, ("Name",), kept=KEPT)
    assert all(record.written for record in found)

    edits = [upper(record) for record in found]
    assert await records.update("items", KEPT, edits) == 5
    changed = await everything(ground.backend, ("Name", "Note"), kept=KEPT)
    assert [record.values["Name"] for record in changed][:2] == ["HAMMER", "SAW"]
    assert [record.values["Note"] for record in changed][:2] == ["hammer", "saw"]
    assert not any(record.written for record in changed)
    assert (await ground.content())[0] == before[0]

    await records.revert("items", KEPT, ["Name", "Note"], 2)
    assert await ground.content() == before
    await records.revert("items", KEPT, ["Name", "Note"], 2)
    assert await ground.content() == before


async def test_an_edit_of_a_record_that_changed_meanwhile_is_not_written(ground: Ground) -> None:
    """A value computed from what is there no more would overwrite what the application wrote."""
    records = ground.backend.records
    await records.keep(KEPT, "items", ["Name", "Note"])
    found = await everything(ground.backend, ("Name",), kept=KEPT)
    await ground.store.write(2, Name="axe")
    assert await records.update("items", KEPT, [upper(record) for record in found]) == 4
    (axe,) = await records.find("items", KEY, [2], ["Name"])
    assert axe.values["Name"] == "axe"


async def test_the_first_old_value_stays_kept_however_often_a_record_is_updated(ground: Ground) -> None:
    """A second round must not take the values of the first for those that were there before."""
    before = await ground.content()
    records = ground.backend.records
    await records.keep(KEPT, "items", ["Note"])
    for note in ("first", "second", "second"):
        found = await everything(ground.backend, ("Note",), kept=KEPT)
        edits = [Edit(key=record.key, read=record.values, write={"Note": note}) for record in found]
        assert await records.update("items", KEPT, edits) == 5
    await records.revert("items", KEPT, ["Note"], 3)
    assert await ground.content() == before


async def test_a_record_written_after_the_update_says_so_and_keeps_its_values(ground: Ground) -> None:
    """A downgrade owes the application what it wrote."""
    records = ground.backend.records
    await records.keep(KEPT, "items", ["Name", "Note"])
    found = await everything(ground.backend, ("Name",), kept=KEPT)
    await records.update("items", KEPT, [upper(record) for record in found])
    await ground.store.write(1, Note="mine")
    await ground.store.write(6, Name="new", Note="new")
    written = {
        record.shown: record.written for record in await everything(ground.backend, ("Name",), kept=KEPT)
    }
    assert written == {"1": True, "2": False, "3": False, "4": False, "5": False, "6": True}

    await records.revert("items", KEPT, ["Name", "Note"], 2)
    after = {
        record.shown: record.values for record in await everything(ground.backend, ("Name", "Note"), limit=9)
    }
    assert after["1"] == {"Name": "HAMMER", "Note": "mine"}
    assert after["2"]["Name"] == "saw"
    assert after["6"] == {"Name": "new", "Note": "new"}


async def test_expressions_are_computed_by_the_database_and_a_refusal_names_its_record(
    ground: Ground,
) -> None:
    """One value that does not compute must not hide the others."""
    expressions = Expressions(
        postgres={"Quantity": """(t."Price")::numeric::integer"""},
        mongodb={"Quantity": {"$toInt": {"$toDouble": "$Price"}}},
    )
    await ground.store.write(2, Price="much")
    await ground.store.write(1, Price="12")
    found = await everything(ground.backend, ("Price",), expressions=expressions, limit=5)
    assert [record.computed.get("Quantity") for record in found] == [12, None, None, 0, None]
    assert [record.problem is None for record in found] == [True, False, True, True, True]


async def test_records_are_made_once_and_only_where_none_has_their_key(ground: Ground) -> None:
    """A copy that is broken off goes on, and what is there already is nobody's to overwrite."""
    before = await ground.content()
    new = [{KEY: 5, "Name": "drill twice"}, {KEY: 6, "Name": "file", "Quantity": 1}, {KEY: 7, "Name": "axe"}]
    records = ground.backend.records
    assert await records.insert("items", NEW_KEPT, [KEY], new) == 2
    assert await records.insert("items", NEW_KEPT, [KEY], new) == 0
    found = await everything(ground.backend, (KEY, "Name"), limit=9)
    assert [record.values[KEY] for record in found] == [1, 2, 3, 4, 5, 6, 7]
    assert found[4].values["Name"] == "drill 🪛"

    await records.withdraw("items", NEW_KEPT, 1)
    assert await ground.content() == before
    await records.withdraw("items", NEW_KEPT, 1)


async def test_a_made_record_that_somebody_wrote_to_stays(ground: Ground) -> None:
    """From the first write on it is the application's."""
    records = ground.backend.records
    await records.insert("items", NEW_KEPT, [KEY], [{KEY: 6, "Name": "file"}, {KEY: 7, "Name": "axe"}])
    await ground.store.write(7, Note="sharp")
    await records.withdraw("items", NEW_KEPT, 500)
    found = await everything(ground.backend, (KEY,), limit=9)
    assert [record.values[KEY] for record in found] == [1, 2, 3, 4, 5, 7]


async def test_records_are_told_apart_by_several_fields(ground: Ground) -> None:
    """A copy may have a key of its own, which is not the one by which the database finds records."""
    new = [{KEY: 8, "Name": "saw", "Quantity": 0}, {KEY: 9, "Name": "saw no. 2", "Quantity": 0}]
    assert await ground.backend.records.insert("items", NEW_KEPT, ["Name", "Quantity"], new) == 1
    assert [record.shown for record in await everything(ground.backend, (KEY,), limit=9)][-1] == "9"


async def test_a_value_that_the_rules_refuse_fails_with_the_key_of_its_record(ground: Ground) -> None:
    """Nobody finds one wrong record in a million without its key."""
    records = ground.backend.records
    await records.keep(KEPT, "items", ["Name"])
    found = await everything(ground.backend, ("Name",), limit=9)
    edit = Edit(key=found[3].key, read=found[3].values, write={"Name": None})
    with pytest.raises(MigrationError) as failure:
        await records.update("items", KEPT, [edit])
    assert failure.value.code != "write-outcome-unknown"
    assert "4" in str(failure.value)
    (nail,) = await records.find("items", KEY, [4], ["Name"])
    assert nail.values["Name"] == "nail"


MOVED: dict[str, Any] = {
    "text": "größe\n\U0001f600",
    "whole": 7,
    "big": 2**53 + 1,
    "number": 1.5,
    "exact": Decimal("12.30"),
    "flag": False,
    "data": b"\x00\xff",
    "moment": datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC),
    "uid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
}


async def test_values_of_every_type_come_back_as_they_were_written(ground: Ground) -> None:
    """A copy from one database to the other is only as exact as each of them alone."""
    await ground.store.make_wide()
    records = ground.backend.records
    assert await records.insert("wide", NEW_KEPT, ["whole"], [MOVED]) == 1
    (found,) = await records.page("wide", list(MOVED), after=None, limit=2)
    assert found.values == MOVED
    assert {name: str(value) for name, value in found.values.items()} == {
        name: str(value) for name, value in MOVED.items()
    }


async def test_a_day_is_kept_as_a_day_or_as_its_midnight(ground: Ground) -> None:
    """MongoDB has no days without a time; which moment stands for one must not depend on a time zone."""
    await ground.store.make_wide()
    await ground.backend.records.insert("wide", NEW_KEPT, ["whole"], [{"whole": 1, "day": date(2024, 2, 29)}])
    (found,) = await ground.backend.records.page("wide", ["day"], after=None, limit=2)
    assert found.values["day"] in (date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC))
