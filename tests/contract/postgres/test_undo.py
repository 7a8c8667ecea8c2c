"""Each action on PostgreSQL: up, down and up again, with what lies in the tables unharmed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.errors import MigrationError, Refused
from skill_server.model.action import (
    Action,
    AddField,
    BuildIndex,
    PurgeField,
    PurgeType,
    RemoveField,
    RenameField,
    RestoreField,
    RetireField,
    RetireIndex,
    RetypeField,
)
from skill_server.model.hazard import Hazard
from skill_server.model.logical import parse
from skill_server.model.snapshot import IndexKey
from tests.contract.postgres.undo import POLICY, SHOP, Place, steps


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop."""
    made = Place(postgres_database)
    await made.execute(SHOP)
    yield made


def retype(field: str, was: str, to: str, entity: str = "item") -> RetypeField:
    """Return a retype from two spellings."""
    return RetypeField(entity=entity, field=field, was=parse(was), to=parse(to))


ACTIONS: dict[str, Action] = {
    "add-nullable": AddField(entity="item", field="colour", type=parse("String(20)")),
    "add-with-default": AddField(
        entity="item", field="rank", type=parse("Integer"), nullable=False, default=7
    ),
    "add-json": AddField(entity="item", field="facts", type=parse("Json"), default={"it's": ["\\", "é"]}),
    "add-without-key": AddField(entity="keyless", field="rank", type=parse("Integer"), default=7),
    "rename": RenameField(entity="item", field="note", to="remark"),
    "rename-referenced": RenameField(entity="type", field="TypeName", to="label"),
    "rename-key": RenameField(entity="item", field="id", to="number"),
    "rename-generated-source": RenameField(entity="item", field="amount", to="quantity"),
    "retire-nullable": RetireField(entity="item", field="note"),
    "retire-required": RetireField(entity="item", field="price"),
    "retire-mixed-case-with-fill": RetireField(entity="item", field="ItemName", fill="unnamed"),
    "retire-referenced-unique": RetireField(entity="item", field="code"),
    "retire-checked": RetireField(entity="item", field="status"),
    "retire-generated": RetireField(entity="item", field="doubled"),
    "retire-without-key": RetireField(entity="keyless", field="word"),
    "retype-text-to-date": retype("expires", "Text", "Date"),
    "retype-text-to-string": retype("note", "Text", "String(80)"),
    "retype-required": retype("ItemName", "String(60)", "Text"),
    "retype-decimal": retype("price", "Decimal(10,2)", "Decimal(14,4)"),
    "retype-lossy": retype("price", "Decimal(10,2)", "Integer"),
    "retype-without-key": retype("number", "Integer", "Text", "keyless"),
    "build-index": BuildIndex(
        entity="item",
        name="item_by_type",
        keys=(IndexKey(field="Type"), IndexKey(field="price", descending=True)),
    ),
    "build-unique-index": BuildIndex(
        entity="item", name="item_names", keys=(IndexKey(field="ItemName"),), unique=True
    ),
    "retire-index": RetireIndex(entity="item", name="item_price"),
    "retire-expression-index": RetireIndex(entity="item", name="item_lower"),
    "retire-partial-unique-index": RetireIndex(entity="item", name="item_note"),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
async def test_an_action_and_its_way_back_leave_schema_and_rows_as_they_were(
    place: Place, action: Action
) -> None:
    """What the plan promises: the downgrade gives back the same bytes and the same schema."""
    before = await place.content()
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    changed = await place.content()
    assert changed.fingerprint != before.fingerprint

    await place.down(action, pieces)
    assert await place.content() == before

    await place.up(action, pieces)
    assert await place.content() == changed


async def test_a_removed_field_keeps_what_was_written_into_it_for_the_next_time(place: Place) -> None:
    """A downgrade takes the column away, but nobody's work with it."""
    action = AddField(entity="item", field="rank", type=parse("Integer"), default=7)
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("UPDATE item SET rank = 70 WHERE id = 1", "UPDATE item SET rank = NULL WHERE id = 2")
    await place.down(action, pieces)
    await place.execute("DELETE FROM item WHERE id = 2")
    await place.up(action, pieces)

    assert (
        await place.value("SELECT json_object_agg(id, rank ORDER BY id)::text FROM item")
        == '{ "1" : 70, "3" : 7 }'
    )


async def test_a_removed_field_comes_back_with_another_type_beside_its_old_values(place: Place) -> None:
    """Text fits into no whole number, so it waits for the field of its own type, listed as kept."""
    texts = AddField(entity="item", field="nf", type=parse("Text"))
    numbers = AddField(entity="item", field="nf", type=parse("Integer"))
    text_pieces, number_pieces = await place.pieces(texts), await place.pieces(numbers)
    await place.up(texts, text_pieces)
    await place.execute("UPDATE item SET nf = '7' WHERE id = 1")
    await place.down(texts, text_pieces)
    await place.up(numbers, number_pieces)
    assert await place.value("SELECT count(nf) FROM item") == 0
    assert [thing.records for thing in await place.backend.kept()] == [1]

    await place.execute("UPDATE item SET nf = 8 WHERE id = 3")
    await place.down(numbers, number_pieces)
    assert [thing.records for thing in await place.backend.kept()] == [1, 1]

    await place.up(texts, text_pieces)
    assert (
        await place.value("SELECT json_object_agg(id, nf)::text FROM item WHERE nf <> ''") == '{ "1" : "7" }'
    )
    assert [thing.records for thing in await place.backend.kept()] == [1]


async def test_a_field_without_key_is_not_removed_while_values_would_be_lost(place: Place) -> None:
    """Without a primary key nothing says to which row a kept value belongs."""
    action = AddField(entity="keyless", field="rank", type=parse("Integer"))
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("UPDATE keyless SET rank = 5 WHERE word IS NULL")
    (back,) = [step.reversed() for step in steps(action, pieces)]

    assert list(await place.offenders(back)) == ["written-meanwhile"]
    with pytest.raises(MigrationError):
        await place.backend.run("f" * 32, [back], POLICY)
    assert await place.value("SELECT rank FROM keyless WHERE word IS NULL") == 5


async def test_rows_written_while_a_required_field_was_hidden_get_the_fill_value(place: Place) -> None:
    """NOT NULL comes back, so rows that could not know the field need a value."""
    action = RetireField(entity="item", field="price", fill=1)
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("""INSERT INTO item (id, "ItemName", "Type") VALUES (50, 'New', 'toy')""")
    touched = await place.value("SELECT max(touched) FROM item")
    await place.down(action, pieces)

    assert await place.value("SELECT price::text FROM item WHERE id = 50") == "1.00"
    assert await place.value("SELECT price::text FROM item WHERE id = 1") == "12.50"
    assert await place.value("SELECT max(touched) FROM item") == touched


async def test_a_row_that_would_keep_a_hidden_field_from_coming_back_is_named(place: Place) -> None:
    """Duplicates, orphans and missing values are found before the downgrade touches anything."""
    action = RetireField(entity="item", field="ItemName", fill="unnamed")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("""INSERT INTO item (id, "Type") VALUES (50, 'toy'), (51, 'toy')""")
    (back,) = [step.reversed() for step in steps(action, pieces)]
    assert await place.offenders(back) == {"duplicates-of-item_ItemName_Type_key": ("50", "51")}


async def test_rows_that_point_to_nothing_when_a_referenced_field_comes_back_are_named(place: Place) -> None:
    """The inbound foreign key was off meanwhile, so orphans may have come about on both ends."""
    action = RetireField(entity="item", field="code")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("INSERT INTO line VALUES (9, 'gone')")
    (back,) = [step.reversed() for step in steps(action, pieces)]
    assert await place.offenders(back) == {"orphans-of-line.line_code_fkey": ("gone",)}


async def test_values_written_after_a_retype_come_back_converted(place: Place) -> None:
    """Old values return byte for byte; only what was written since is converted."""
    action = retype("expires", "Text", "Date")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute(
        "UPDATE item SET expires = '2030-05-06' WHERE id = 2", "UPDATE item SET expires = NULL WHERE id = 3"
    )
    await place.down(action, pieces)
    found = await place.value("SELECT string_agg(coalesce(expires, 'none'), ' ' ORDER BY id) FROM item")
    assert found == "2026-02-28 2030-05-06 none"


async def test_values_that_cannot_be_converted_are_named_and_nothing_runs(place: Place) -> None:
    """A cast that fails half-way helps nobody; the keys of the bad values do."""
    await place.execute("UPDATE item SET expires = '2026-02-30' WHERE id = 1")
    action = retype("expires", "Text", "Date")
    (step,) = steps(action, await place.pieces(action))
    assert await place.offenders(step) == {"unfit-expires": ("1",)}


async def test_a_hidden_field_is_deleted_for_good_by_its_own_migration_alone(place: Place) -> None:
    """Finalizing names the revision that hid the field, so that it cannot delete another's."""
    action = RetireField(entity="item", field="note")
    await place.up(action, await place.pieces(action))
    snapshot = await place.backend.inspect()
    purge = PurgeField(entity="item", field="note")
    with pytest.raises(Refused) as refusal:
        place.backend.render(purge, snapshot, migration="20260102_other")
    assert refusal.value.code == "nothing-kept"

    pieces = await place.pieces(purge)
    assert pieces[0].down is None
    assert Hazard.DELETES_DATA in pieces[0].up.hazards
    await place.up(purge, pieces)
    entity = (await place.backend.inspect()).entity("item")
    assert entity is not None
    assert not [field for field in entity.fields if field.name.startswith("_retired_")]


async def test_the_old_values_of_a_retype_are_deleted_for_good_on_request(place: Place) -> None:
    """A retype keeps its source column until it is purged."""
    action = retype("expires", "Text", "Date")
    await place.up(action, await place.pieces(action))
    purge = PurgeType(entity="item", field="expires", to=parse("Date"))
    await place.up(purge, await place.pieces(purge))
    entity = (await place.backend.inspect()).entity("item")
    assert entity is not None
    assert [str(field.type) for field in entity.fields if "expires" in field.name] == ["Date"]


REFUSED: dict[str, tuple[Action, str, str]] = {
    "view": (RetireField(entity="item", field="Type"), "field-has-dependents", "view public.shown"),
    "generated": (RetireField(entity="item", field="amount"), "field-has-dependents", "doubled"),
    "key": (RetireField(entity="item", field="id"), "field-is-key", "primary key"),
    "trigger-text": (RenameField(entity="item", field="touched", to="seen"), "field-has-dependents", "touch"),
    "taken-name": (RenameField(entity="item", field="note", to="code"), "field-exists", "code"),
    "missing": (RetireField(entity="item", field="nothing"), "field-missing", "nothing"),
    "no-default": (
        AddField(entity="item", field="rank", type=parse("Integer"), nullable=False),
        "default-needed",
        "rank",
    ),
    "foreign-key": (retype("code", "String(8)", "Text", "line"), "reference-follows-its-key", "item.code"),
    "constraint-index": (
        RetireIndex(entity="item", name="item_code_key"),
        "index-backs-constraint",
        "item_code_key",
    ),
    "wrong-type": (retype("note", "Integer", "Text"), "type-differs", "text"),
    "no-conversion": (retype("note", "Text", "Reference(other)"), "conversion-unknown", "Reference"),
    "restore": (RestoreField(entity="item", field="note"), "restored-by-downgrade", "restore_field"),
    "remove": (RemoveField(entity="item", field="gone", type=parse("Text")), "field-missing", "gone"),
    "taken-index": (
        BuildIndex(entity="item", name="item_price", keys=(IndexKey(field="price"),)),
        "index-exists",
        "item_price",
    ),
}


@pytest.mark.parametrize(("action", "code", "named"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_done_safely_is_refused_by_name(
    place: Place, action: Action, code: str, named: str
) -> None:
    """A refusal says what stands in the way, before anything is touched."""
    with pytest.raises(Refused) as refusal:
        await place.pieces(action)
    assert refusal.value.code == code
    assert named in refusal.value.message
