"""The sample data: always the same, sound, and full of the values on which migrations stumble."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice

import pytest
from sqlalchemy import String

from examples.item_management.app.models import Base, Item, ItemType, Location, Log, User
from examples.item_management.app.repositories.mongo_documents import from_document, to_document
from examples.item_management.app.seeding import Sizes, records, vocabulary
from examples.item_management.app.seeding.records import SEEDED_MODELS, Record

SIZES = Sizes(items=300, users=40, logs=400)
# Changes only when the sample data is changed on purpose.
DIGEST = "1f813c4ea23ab51b45571df50b526cc22edb3d0437e2a9a479adc419e4aa9224"


def every_record() -> Iterator[tuple[type[Base], Record]]:
    """Yield all records of the small sample with their models."""
    for model in SEEDED_MODELS:
        for record in records(model, SIZES):
            yield model, record


def test_the_same_sizes_give_the_same_records_on_every_machine() -> None:
    """Documented results name sample records, so no run may differ from another."""
    digest = hashlib.sha256()
    for model, record in every_record():
        digest.update(repr((model.__tablename__, record)).encode())

    assert digest.hexdigest() == DIGEST


@pytest.mark.parametrize("model", SEEDED_MODELS)
def test_records_name_every_column_of_their_table_in_order(model: type[Base]) -> None:
    """The first column is the key, and a column without a value would stay untested."""
    record = next(records(model, SIZES))

    assert list(record) == [column.name for column in model.__table__.columns]


def test_even_a_small_sample_holds_every_edge_value() -> None:
    """Tests seed small sizes, and must meet what breaks migrations."""
    items = list(records(Item, SIZES))

    assert {item["ItemName"] for item in items} >= set(vocabulary.EDGE_NAMES)
    assert {item["ItemDesc"] for item in items} >= {*vocabulary.EDGE_TEXTS, None}
    assert {item["ItemPrice"] for item in items} >= {*vocabulary.EDGE_PRICES, None}
    assert {item["ItemSerial"] for item in items} >= {*vocabulary.EDGE_SERIALS, None}
    assert {item["ItemDateAdded"] for item in items} >= set(vocabulary.EDGE_DATES)
    assert {item["UpdatedAt"] for item in items} >= set(vocabulary.EDGE_MOMENTS)
    assert {item["WeightGrams"] for item in items} >= {*vocabulary.EDGE_FLOATS, None}
    assert {item["PurchaseCost"] for item in items} >= {*vocabulary.EDGE_COSTS, None}


def test_text_fits_its_column_and_can_be_stored() -> None:
    """PostgreSQL refuses NUL and over-long text, and half a surrogate pair cannot be encoded."""
    for model, record in every_record():
        for column in model.__table__.columns:
            value = record[column.name]
            if isinstance(value, str):
                value.encode()
                assert "\0" not in value
            if isinstance(value, str) and isinstance(column.type, String) and column.type.length:
                assert len(value) <= column.type.length


def test_references_lead_to_records_that_exist() -> None:
    """Foreign keys are added after the rows, and would fail for the whole seed."""
    keys = {
        model: {next(iter(record.values())) for record in records(model, SIZES)} for model in SEEDED_MODELS
    }
    items, logs = list(records(Item, SIZES)), list(records(Log, SIZES))
    users, types = list(records(User, SIZES)), list(records(ItemType, SIZES))

    assert {item["ItemOwner"] for item in items} <= keys[User]
    assert {item["ItemType"] for item in items} <= {*keys[ItemType], None}
    assert {item["ItemLocation"] for item in items} <= {*keys[Location], None}
    assert {related for item in items for related in item["related_items"]} <= keys[Item]
    assert {log["LogItem"] for log in logs} <= {*keys[Item], None}
    assert {log["LogUser"] for log in logs} <= {*keys[User], None}
    assert {favorite for user in users for favorite in user["favorites"]} <= keys[Item]
    assert {kind["ParentTypeID"] for kind in types} <= {*keys[ItemType], None}
    assert any(kind["ParentTypeID"] for kind in types)


def test_values_of_unique_columns_do_not_repeat() -> None:
    """The random words must not collide, at any size."""
    for model, names in (
        (User, ("UserID", "UserKey", "UserName", "UserEmail")),
        (Item, ("ItemID", "ItemSerial")),
        (Location, ("LocationID", "LocationName")),
    ):
        for name in names:
            values = [record[name] for record in records(model, SIZES) if record[name] is not None]
            assert len(values) == len(set(values)), name


def test_every_price_is_a_number_of_at_most_two_decimals_and_some_serials_are_not() -> None:
    """Retyping `ItemPrice` to a number must succeed, and retyping `ItemSerial` must be refused with its bad values."""
    prices = [Decimal(item["ItemPrice"]) for item in records(Item, SIZES) if item["ItemPrice"] is not None]
    serials = [item["ItemSerial"] for item in records(Item, SIZES) if item["ItemSerial"] is not None]

    assert all(price == round(price, 2) for price in prices)
    assert any(not serial.isdecimal() for serial in serials)
    assert any(serial.startswith("0") and serial.isdecimal() for serial in serials)


@pytest.mark.parametrize("model", SEEDED_MODELS)
def test_a_document_gives_back_the_record_that_it_was_made_of(model: type[Base]) -> None:
    """MongoDB holds dates, decimals and identifiers as text or doubles, which must lose nothing."""
    names = {attribute.columns[0].name: attribute.key for attribute in model.__mapper__.column_attrs}
    for record in records(model, SIZES):
        restored = from_document(model, to_document(record))

        assert {name: getattr(restored, key) for name, key in names.items()} == record


def test_documents_keep_dates_and_decimals_as_an_old_application_would() -> None:
    """The pair is only worth migrating if its halves spell the same value differently."""
    document = to_document({"ItemDateAdded": date(2024, 2, 29), "PurchaseCost": Decimal("1.50")})

    assert document == {"ItemDateAdded": "2024-02-29", "PurchaseCost": "1.50"}
    assert to_document({"CapacityLitres": Decimal("12.50")}) == {"CapacityLitres": 12.5}


def test_a_million_items_are_a_stream() -> None:
    """The first items arrive before the last ones are made, so memory stays flat."""
    first = list(islice(records(Item, Sizes(items=1_000_000, users=10, logs=0)), 3))

    assert [item["ItemID"] for item in first] == [1, 2, 3]


@pytest.mark.parametrize(("items", "users", "logs"), [(-1, 1, 0), (0, -1, 0), (0, 0, -1), (1, 0, 0)])
def test_sizes_that_make_no_sense_are_refused(items: int, users: int, logs: int) -> None:
    """An item without any user to own it cannot be stored."""
    with pytest.raises(ValueError, match=r"negative|own"):
        Sizes(items=items, users=users, logs=logs)
