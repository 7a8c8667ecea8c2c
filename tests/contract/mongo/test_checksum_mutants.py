"""What may happen to a document's values on the way through a backup: every kind of it changes the sum of its field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bson import Binary, Decimal128, Int64, ObjectId, Timestamp

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import ORDER, checksums
from skill_server.model.names import NameMap

MOMENT = datetime(2024, 3, 31, 1, 30, 0, 1000, tzinfo=UTC)
Documents = list[dict[str, Any]]


def documents() -> Documents:
    """Return the source: values at the edge of what a cast or a driver would round, trim or normalise away."""
    full: dict[str, Any] = {
        "_id": 1,
        "label": "ä long label, longer than a cut would leave it",
        "amount": Decimal128("12345678901234.0001"),
        "whole": 9,
        "large": Int64(9007199254740993),
        "weight": 0.1,
        "seen": MOMENT,
        "facts": {"a": 1, "b": 2},
        "raw": Binary(b"\x00\xff\x10"),
        "tags": ["x", None, ""],
        "flag": True,
        "owner": ObjectId("0123456789abcdef01234567"),
        "at": Timestamp(1, 2),
    }
    empty: dict[str, Any] = {
        "_id": 2,
        "label": "",
        "amount": Decimal128("0"),
        "whole": 0,
        "large": Int64(0),
        "weight": 0.0,
        "seen": MOMENT - timedelta(days=1),
        "facts": {},
        "raw": Binary(b""),
        "tags": [],
        "flag": False,
        "owner": None,
        "at": Timestamp(1, 3),
    }
    twins = [{**full, "_id": key, "label": "twin"} for key in (4, 5)]
    return [full, empty, {"_id": 3}, *twins]


EVERY = frozenset(documents()[0])


class Mutant(NamedTuple):
    """A way in which the documents are not those of the source, and the fields that must be named for it."""

    name: str
    harm: Callable[[Documents], None]
    changed: frozenset[str]


def of(field: str, name: str, value: Any, number: int = 0) -> Mutant:
    """Return the mutant that has another value in one field, which it may have had or not."""

    def harm(found: Documents) -> None:
        found[number][field] = value

    added = field not in documents()[number]
    return Mutant(f"{field}: {name}", harm, frozenset({field, ORDER} if added else {field}))


def without(field: str, number: int) -> Mutant:
    """Return the mutant that lacks a field."""

    def harm(found: Documents) -> None:
        del found[number][field]

    return Mutant(f"{field}: missing", harm, frozenset({field, ORDER}))


def swapped(field: str) -> Mutant:
    """Return the mutant in which two documents have exchanged one value."""

    def harm(found: Documents) -> None:
        found[0][field], found[1][field] = found[1][field], found[0][field]

    return Mutant(f"{field}: two documents swap values", harm, frozenset({field}))


def _lose_twins(found: Documents) -> None:
    del found[3:5]


def _double(found: Documents) -> None:
    found.append({**found[0], "_id": 6})


def _other_order(found: Documents) -> None:
    found[0] = dict(reversed(found[0].items()))


MUTANTS = (
    of("label", "one bit", "à long label, longer than a cut would leave it"),
    of("label", "truncated", "ä long label"),
    of("label", "null instead of empty", None, 1),
    of("label", "null instead of missing", None, 2),
    of("label", "empty instead of missing", "", 2),
    of("label", "a space at the end", "ä long label, longer than a cut would leave it "),
    of("label", "a zero byte at the end", "ä long label, longer than a cut would leave it\x00"),
    of("label", "composed differently", "a\u0308 long label, longer than a cut would leave it"),
    of("amount", "one unit in the last place", Decimal128("12345678901234.0002")),
    of("amount", "a trailing zero", Decimal128("12345678901234.00010")),
    of("amount", "as a double", 12345678901234.0001),
    of("amount", "as text", "12345678901234.0001"),
    of("whole", "one unit", 10),
    of("whole", "as a long of the same value", Int64(9)),
    of("whole", "as a double of the same value", 9.0),
    of("whole", "as a decimal of the same value", Decimal128("9")),
    of("large", "through a double", Int64(9007199254740992)),
    of("large", "an integer for a long of the same value", 0, 1),
    of("weight", "one unit in the last place", 0.1 + 1.4e-17),
    of("weight", "negative zero", -0.0, 1),
    of("weight", "an integer of the same value", 0, 1),
    of("weight", "not a number", float("nan")),
    of("seen", "another time zone", MOMENT + timedelta(hours=1)),
    of("seen", "one millisecond", MOMENT - timedelta(milliseconds=1)),
    of("seen", "as text", MOMENT.isoformat()),
    of("facts", "the order of keys", {"b": 2, "a": 1}),
    of("facts", "a number as text", {"a": "1", "b": 2}),
    of("facts", "null inside instead of missing", {"a": 1, "b": 2, "c": None}),
    of("facts", "an array for a document", [], 1),
    of("raw", "one bit", Binary(b"\x00\xfe\x10")),
    of("raw", "another subtype", Binary(b"\x00\xff\x10", 128)),
    of("raw", "a leading zero byte lost", Binary(b"\xff\x10")),
    of("tags", "null instead of empty text", ["x", None, None]),
    of("tags", "an element lost", ["x", None]),
    of("tags", "the order of elements", [None, "x", ""]),
    of("flag", "the other one", False),
    of("flag", "a number for false", 0, 1),
    of("owner", "one bit", ObjectId("0123456789abcdef01234566")),
    of("owner", "as text", "0123456789abcdef01234567"),
    of("at", "as a moment", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    without("owner", 1),
    without("label", 0),
    *(swapped(field) for field in sorted(EVERY - {"_id"})),
    Mutant("the order of fields", _other_order, frozenset({ORDER})),
    Mutant("two equal documents lost", _lose_twins, EVERY | {ORDER}),
    Mutant("a document twice", _double, EVERY | {ORDER}),
    of("_id", "of another type", Int64(1))._replace(changed=EVERY | {ORDER}),
)


async def sums(connections: Connections, found: Documents) -> dict[str, str]:
    """Return the sums of a collection that holds exactly these documents."""
    await connections.db()["items"].drop()
    await connections.db()["items"].insert_many(found)
    return (await checksums(connections, NameMap())).entities["items"].fields


async def missed(connections: Connections, mutants: Sequence[Mutant]) -> dict[str, frozenset[str]]:
    """Return the fields of each mutant whose sums differ from the source's, where they are not the expected ones."""
    source = await sums(connections, documents())
    # Equal documents give equal sums in any order, so that what differs below is the mutant's doing.
    assert await sums(connections, documents()[::-1]) == source
    found: dict[str, frozenset[str]] = {}
    for mutant in mutants:
        harmed = documents()
        mutant.harm(harmed)
        copy = await sums(connections, harmed)
        differs = frozenset(
            name for name in source.keys() | copy.keys() if source.get(name) != copy.get(name)
        )
        if differs != mutant.changed:
            found[mutant.name] = differs
    return found


async def test_every_mutant_is_found_and_named_at_its_field(connections: Connections) -> None:
    """A checksum that overlooks one kind of damage would call a damaged backup proven."""
    assert await missed(connections, MUTANTS) == {}
