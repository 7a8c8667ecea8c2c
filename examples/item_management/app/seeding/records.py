"""The sample records: the same for the same sizes, on every machine and in every run.

A record maps column names to the values that PostgreSQL holds. The first records of each entity walk
through the edge values, so that even a tiny seed has them; later ones meet them now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from ..models import Base, Item, ItemType, Location, Log, User
from . import vocabulary as words

Record = dict[str, Any]
Value = TypeVar("Value")

RANDOM_SEED = 20_211_104
EDGE_SHARE = 0.02
FIRST_DAY = date(2016, 1, 4)
FIRST_MOMENT = datetime(2016, 1, 4, 7, 30, tzinfo=UTC)
LOCATION_COUNT = 60
TYPE_COUNT = len(words.TYPE_TREE) + sum(map(len, words.TYPE_TREE.values()))


@dataclass(frozen=True)
class Sizes:
    """How many records the large entities have; types and locations are always the same few."""

    items: int
    users: int
    logs: int

    def __post_init__(self) -> None:
        if min(self.items, self.users, self.logs) < 0:
            raise ValueError("a size cannot be negative")
        if self.items and not self.users:
            raise ValueError("items need at least one user to own them")


def records(model: type[Base], sizes: Sizes) -> Iterator[Record]:
    """Yield the sample records of one model by ascending key."""
    return _GENERATORS[model](Random(f"{RANDOM_SEED}/{model.__tablename__}"), sizes)


def _users(random: Random, sizes: Sizes) -> Iterator[Record]:
    for key in range(1, sizes.users + 1):
        bird, colour = random.choice(words.BIRDS), random.choice(words.COLOURS)
        yield {
            "UserID": key,
            "UserKey": UUID(int=random.getrandbits(128), version=4),
            "UserName": f"{bird}.{key:04d}",
            "UserEmail": f"{bird}.{key:04d}@example.org",
            "UserFullName": _sometimes(
                random, key, f"{colour} {bird.capitalize()}", words.EDGE_NAMES, none=0.1
            ),
            "PasswordHash": f"scrypt:32768:8:1${random.getrandbits(128):032x}",
            "IsActive": random.random() < 0.9,
            "favorites": _sample_keys(random, sizes.items, most=8),
            "JoinedOn": _day(random, key),
            "LastLoginAt": _maybe(random, 0.8, _moment(random, key)),
            "Notes": _sometimes(random, key, random.choice(words.SENTENCES), words.EDGE_TEXTS, none=0.5),
        }


def _item_types(random: Random, sizes: Sizes) -> Iterator[Record]:
    del sizes  # the tree does not grow with the data
    rows: list[tuple[str, int | None]] = [(name, None) for name in words.TYPE_TREE]
    for parent, children in enumerate(words.TYPE_TREE.values(), start=1):
        rows += [(name, parent) for name in children]
    for key, (name, parent) in enumerate(rows, start=1):
        yield {
            "TypeID": key,
            "TypeName": name,
            "TypeDesc": _sometimes(
                random, key, f"Everything filed under {name}.", words.EDGE_TEXTS, none=0.3
            ),
            "ParentTypeID": parent,
            "SortOrder": random.randrange(-5, 100),
            "IsVisible": random.random() < 0.9,
        }


def _locations(random: Random, sizes: Sizes) -> Iterator[Record]:
    del sizes  # a handful of buildings, however many items they hold
    for key in range(1, LOCATION_COUNT + 1):
        building = words.BUILDINGS[key % len(words.BUILDINGS)]
        yield {
            "LocationID": key,
            "LocationName": f"{building}, shelf {key}",
            "Building": building,
            "Shelf": f"{key:03d}",
            "Latitude": _maybe(random, 0.7, round(random.uniform(-90, 90), 6)),
            "Longitude": _maybe(random, 0.7, round(random.uniform(-180, 180), 6)),
            "CapacityLitres": _maybe(random, 0.8, _cents(random, 10_000_000)),
            "IsColdStorage": key % 9 == 0,
            "OpenedOn": _maybe(random, 0.8, _day(random, key)),
        }


def _items(random: Random, sizes: Sizes) -> Iterator[Record]:
    for key in range(1, sizes.items + 1):
        name = f"{random.choice(words.QUALITIES)} {random.choice(words.THINGS)}"
        price = f"{random.randrange(1, 2_000)}.{random.randrange(100):02d}"
        added = _day(random, key)
        yield {
            "ItemID": key,
            "ItemName": _sometimes(random, key, name, words.EDGE_NAMES),
            "ItemDesc": _sometimes(random, key, random.choice(words.SENTENCES), words.EDGE_TEXTS, none=0.1),
            "ItemPicture": _maybe(random, 0.4, f"/static/pictures/{key:07d}.jpg"),
            "ItemPrice": _sometimes(random, key, price, words.EDGE_PRICES, none=0.05),
            "ItemSerial": _serial(random, key),
            "ItemOwner": random.randint(1, sizes.users),
            "ItemType": _maybe(random, 0.95, random.randint(1, TYPE_COUNT)),
            "ItemLocation": _maybe(random, 0.9, random.randint(1, LOCATION_COUNT)),
            "Quantity": 2_147_483_647 if key == 1 else int(random.expovariate(0.3)),
            "PurchaseCost": _sometimes(random, key, _cents(random, 99_999_999), words.EDGE_COSTS, none=0.2),
            "WeightGrams": _sometimes(
                random, key, round(random.lognormvariate(6, 2), 3), words.EDGE_FLOATS, none=0.2
            ),
            "ItemDateAdded": added,
            "WarrantyUntil": _maybe(random, 0.3, _later(added, 730)),
            "ExpiresOn": _maybe(random, 0.1, _later(added, random.randrange(30, 4_000))),
            "IsArchived": random.random() < 0.05,
            "related_items": _sample_keys(random, sizes.items, most=4),
            "move_history": _moves(random),
            "UpdatedAt": _moment(random, key),
        }


def _logs(random: Random, sizes: Sizes) -> Iterator[Record]:
    for key in range(1, sizes.logs + 1):
        action = random.choice(words.ACTIONS)
        item = _maybe(random, 0.97, random.randint(1, sizes.items)) if sizes.items else None
        detail = f"{action} at the {random.choice(words.BUILDINGS)}"
        yield {
            "LogID": key,
            "LogUser": _maybe(random, 0.95, random.randint(1, sizes.users)) if sizes.users else None,
            "LogItem": item,
            "LogAction": action,
            "LogMessage": _sometimes(random, key, detail, words.EDGE_TEXTS),
            "LogPayload": _maybe(
                random, 0.3, {"action": action, "ip": "192.0.2.7", "tags": ["ü", "🧰", None]}
            ),
            "DurationMs": _maybe(random, 0.8, round(random.expovariate(0.02), 3)),
            "LoggedAt": _moment(random, key),
        }


_GENERATORS: Mapping[type[Base], Callable[[Random, Sizes], Iterator[Record]]] = {
    User: _users,
    ItemType: _item_types,
    Location: _locations,
    Item: _items,
    Log: _logs,
}
SEEDED_MODELS = tuple(_GENERATORS)


def _sometimes(
    random: Random, key: int, usual: Value, edges: Sequence[Value], *, none: float = 0.0
) -> Value | None:
    """Return an edge value for the first keys and now and then, else nothing or the usual value."""
    roll = random.random()
    if key <= len(edges) or roll < EDGE_SHARE:
        return edges[key % len(edges)]
    return None if roll < EDGE_SHARE + none else usual


def _maybe(random: Random, share: float, value: Value) -> Value | None:
    return value if random.random() < share else None


def _day(random: Random, key: int) -> date:
    usual = FIRST_DAY + timedelta(days=random.randrange(3_600))
    if key <= len(words.EDGE_DATES):
        return words.EDGE_DATES[key - 1]
    return usual


def _later(day: date, days: int) -> date:
    last = words.EDGE_DATES[-1]
    return last if last - day < timedelta(days=days) else day + timedelta(days=days)


def _moment(random: Random, key: int) -> datetime:
    usual = FIRST_MOMENT + timedelta(milliseconds=random.randrange(300_000_000_000))
    if key <= len(words.EDGE_MOMENTS):
        return words.EDGE_MOMENTS[key - 1]
    return usual


def _cents(random: Random, most: int) -> Decimal:
    return Decimal(random.randrange(most)).scaleb(-2)


def _serial(random: Random, key: int) -> str | None:
    if key <= len(words.EDGE_SERIALS):
        return words.EDGE_SERIALS[key - 1]
    return _maybe(random, 0.85, f"{key:08d}" if key % 3 else f"SN-{key:07d}")


def _sample_keys(random: Random, count: int, *, most: int) -> list[int]:
    if not count or random.random() < 0.4:
        return []
    return list(dict.fromkeys(random.randint(1, count) for _ in range(random.randint(1, most))))


def _moves(random: Random) -> list[dict[str, Any]]:
    moves: list[dict[str, Any]] = []
    place = random.randint(1, LOCATION_COUNT)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 5))):
        target = random.randint(1, LOCATION_COUNT)
        day = FIRST_DAY + timedelta(days=random.randrange(3_600))
        moves.append({"from": place, "to": target, "on": str(day)})
        place = target
    return moves
