"""The records of the lifecycle tests: every logical type, with empty, missing, Unicode and extreme values."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
from bson import Binary, Decimal128, Int64

from tests.lifecycle.world import World

SCHEMA = """
CREATE SCHEMA stock;
CREATE TABLE owners ("OwnerID" integer PRIMARY KEY, "Name" text NOT NULL UNIQUE, "Phones" jsonb);
CREATE TABLE badges (
    "BadgeID" integer PRIMARY KEY,
    "OwnerID" integer NOT NULL REFERENCES owners ("OwnerID") ON DELETE CASCADE,
    "Words" text
);
CREATE TABLE items (
    "ItemID" integer PRIMARY KEY,
    "ItemName" varchar(200) NOT NULL,
    "ItemDesc" text,
    "Price" varchar(32),
    "Serial" varchar(64) NOT NULL UNIQUE,
    "OwnerID" integer REFERENCES owners ("OwnerID") ON DELETE CASCADE,
    "Quantity" integer NOT NULL DEFAULT 1 CONSTRAINT no_debts CHECK ("Quantity" >= 0),
    "Big" bigint,
    "Weight" double precision,
    "Cost" numeric(10, 2),
    "Active" boolean,
    "Bought" text,
    "Sold" date,
    "Seen" timestamp,
    "Moment" timestamptz,
    "Token" uuid,
    "Key" text,
    "Facts" jsonb,
    "Flag" text
);
CREATE INDEX "ix_items_ItemName" ON items ("ItemName");
CREATE INDEX "ix_items_lower" ON items (lower("ItemDesc")) WHERE "Price" IS NOT NULL;
"""
_TOKENS = [uuid.uuid5(uuid.NAMESPACE_URL, str(number)) for number in range(9)]
_MOMENTS = (
    datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 999000, tzinfo=UTC),
)


def _record(number: int) -> dict[str, Any]:
    pick = number % 4
    return {
        "ItemID": number,
        "ItemName": ("hammer", "größe 4", "工具箱 🪚", 'it\'s "one" \\')[pick],
        "ItemDesc": (None, "", "mañana\n\ttab", "É́x")[pick],
        "Price": (None, "12.50", "7", "3.1")[pick],
        "Serial": f"S{number:04d}",
        "OwnerID": (None, 1, 2, 3)[pick],
        "Quantity": (0, 1, 2147483647, 5)[pick],
        "Big": (None, 1, 0, -2147483648)[pick],
        "Weight": (None, 0.5, -3.0, 1e6)[pick],
        "Cost": (None, Decimal("12.50"), Decimal("-0.01"), Decimal("99999999.99"))[pick],
        "Active": (None, True, False, True)[pick],
        "Bought": (None, "2024-02-29", "1999-12-31", "2026-01-01")[pick],
        "Sold": (None, date(2024, 2, 29), date(1970, 1, 1), date(2026, 1, 1))[pick],
        "Seen": (None, *(moment.replace(tzinfo=None) for moment in _MOMENTS))[pick],
        "Moment": (None, *_MOMENTS)[pick],
        "Token": _TOKENS[number] if pick else None,
        "Key": str(_TOKENS[number]).upper() if pick else None,
        "Facts": (None, {"a": [1, {"b": None}]}, [], {"é": "☃"})[pick],
        "Flag": (None, "true", "f", "1")[pick],
    }


RECORDS = [_record(number) for number in range(1, 9)]
# Objects in arrays: members that are missing, null or nobody's field, an empty array, and none.
PHONES: tuple[list[dict[str, Any]] | None, ...] = (
    [
        {"label": "home", "number": "1 ☎"},
        {"number": "2", "since": {"year": 1999}},
        {"label": None, "number": ""},
    ],
    [],
    None,
)
BADGES = ((101, 1, "first ☃"), (102, 1, None), (103, 3, ""))
_NULLABLE = {"bsonType": ["object", "array", "null"]}
VALIDATOR: dict[str, Any] = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["ItemID", "ItemName", "Serial"],
        "additionalProperties": False,
        "properties": {
            "_id": {},
            "ItemID": {"bsonType": "int"},
            "ItemName": {"bsonType": "string", "description": "what it is called"},
            "ItemDesc": {"bsonType": ["string", "null"]},
            "Price": {"bsonType": ["string", "null"]},
            "Serial": {"bsonType": "string"},
            "OwnerID": {"bsonType": ["int", "null"]},
            "Quantity": {"bsonType": "int"},
            "Big": {"bsonType": ["long", "null"]},
            "Weight": {"bsonType": ["double", "null"]},
            "Cost": {"bsonType": ["decimal", "null"]},
            "Active": {"bsonType": ["bool", "null"]},
            "Bought": {"bsonType": ["string", "null"]},
            "Sold": {"bsonType": ["date", "null"]},
            "Seen": {"bsonType": ["date", "null"]},
            "Moment": {"bsonType": ["date", "null"]},
            "Token": {"bsonType": ["binData", "null"]},
            "Key": {"bsonType": ["string", "null"]},
            "Facts": _NULLABLE,
            "Flag": {"bsonType": ["string", "null"]},
        },
    }
}


def to_document(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as MongoDB holds it: null in one record, missing in the next, and another order in some."""
    values = {name: _to_bson(name, value) for name, value in record.items()}
    if record["ItemID"] % 8:
        values = {name: value for name, value in values.items() if value is not None}
    ordered = list(values.items())
    if record["ItemID"] % 3 == 0:
        ordered.reverse()
    return {"_id": record["ItemID"], **dict(ordered)}


def _to_bson(name: str, value: Any) -> Any:
    if name == "Big" and value is not None:
        return Int64(value)
    match value:
        case Decimal():
            return Decimal128(value)
        case uuid.UUID():
            return Binary(value.bytes, 4)
        case datetime() if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        case date() if not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        case _:
            return value


async def fill(world: World) -> None:
    """Create both schemas, with what stands in the way of a change, and the same records in both."""
    await world.execute(SCHEMA)
    connection = await asyncpg.connect(world.postgres_url)
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=str)
        await connection.executemany(
            """INSERT INTO owners ("OwnerID", "Name", "Phones") VALUES ($1, $2, $3)""",
            [(number, f"owner {number}", phones) for number, phones in enumerate(PHONES, start=1)],
        )
        await connection.executemany("INSERT INTO badges VALUES ($1, $2, $3)", BADGES)
        names = ", ".join(f'"{name}"' for name in RECORDS[0])
        places = ", ".join(f"${number}" for number in range(1, len(RECORDS[0]) + 1))
        await connection.executemany(
            f"INSERT INTO items ({names}) VALUES ({places})", [tuple(record.values()) for record in RECORDS]
        )
    finally:
        await connection.close()
    await world.mongodb["owner"].insert_many(
        [
            {
                "_id": number,
                "OwnerID": number,
                "Name": f"owner {number}",
                **({} if phones is None else {"Phones": phones}),
            }
            for number, phones in enumerate(PHONES, start=1)
        ]
    )
    await world.mongodb["badges"].insert_many(
        [{"_id": badge, "BadgeID": badge, "OwnerID": owner, "Words": words} for badge, owner, words in BADGES]
    )
    await world.mongodb.create_collection("item", validator=VALIDATOR)
    item = world.mongodb["item"]
    await item.insert_many([to_document(record) for record in RECORDS])
    await item.create_index([("Serial", 1)], unique=True, name="Serial_1")
    await item.create_index([("ItemName", 1)], name="ix_items_ItemName")
    await item.create_index(
        [("ItemName", -1), ("Quantity", 1)],
        name="priced",
        partialFilterExpression={"Price": {"$exists": True}},
    )


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
