"""Every conversion between two logical types, with real values on both servers: it converts, or it is listed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
import pytest_asyncio
from pymongo.asynchronous.database import AsyncDatabase

from skill_server.backends import open_backend
from skill_server.backends.base import Backend, RunPolicy
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.schema import types
from skill_server.model.action import RetypeField
from skill_server.model.ids import BackendKind
from skill_server.model.logical import Fidelity, Kind, fidelity, parse
from skill_server.model.names import NameMap
from skill_server.model.plan import Step
from tests.contract.cases.conversions import CELLS, DEFINED, TYPES, Differs
from tests.contract.cases.ground import as_steps
from tests.contract.cases.spelled import bson_of, comparable, is_beyond, spelled
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database, mongodb_client

POLICY = RunPolicy(lock_timeout_s=1.0, lock_budget_s=5.0)
PAIRS = list(CELLS)
LOSSLESS = [pair for pair in PAIRS if fidelity(parse(pair[0]), parse(pair[1])) is Fidelity.LOSSLESS]
FIELDS = {pair: f"c{number:03}" for number, pair in enumerate(PAIRS)}
Pair = tuple[str, str]
Values = dict[Pair, dict[int, Any]]


class Store(Protocol):
    """One field for each cell, one record for each value."""

    async def fill(self) -> None:
        """Make the records; the key of a value is its place in the cell, from 1."""
        ...

    async def empty(self, pair: Pair, keys: set[int]) -> None:
        """Take values away."""
        ...

    async def read(self, pairs: Collection[Pair], side: int) -> Values:
        """Return the values of cells in comparable form, when they are of the old types (0) or of the new (1)."""
        ...

    async def content(self) -> Any:
        """Return everything as the server holds it."""
        ...


@dataclass
class PostgresCells:
    """The cells as columns."""

    url: str

    async def fill(self) -> None:
        """Insert every value through its text."""
        columns = ", ".join(f"{FIELDS[pair]} {types.native(parse(pair[0]))}" for pair in PAIRS)
        async with Connections(self.url).session(
            purpose="test", settings={"search_path": "public"}
        ) as session:
            await session.execute(f"CREATE TABLE cells (id integer PRIMARY KEY, {columns})")
            for key in range(1, 1 + max(len(cell) for cell in CELLS.values())):
                await session.execute("INSERT INTO cells (id) VALUES ($1)", key)
            for pair, cell in CELLS.items():
                native = types.native(parse(pair[0]))
                statement = f"UPDATE cells SET {FIELDS[pair]} = $1::text::{native} WHERE id = $2"
                await session.executemany(statement, [(text, key) for key, text in enumerate(cell, 1)])

    async def empty(self, pair: Pair, keys: set[int]) -> None:
        """Make values NULL."""
        async with Connections(self.url).session(
            purpose="test", settings={"search_path": "public"}
        ) as session:
            await session.execute(f"UPDATE cells SET {FIELDS[pair]} = NULL WHERE id = ANY ($1)", list(keys))

    async def read(self, pairs: Collection[Pair], side: int) -> Values:
        """Read every column as text."""
        found: Values = {pair: {} for pair in pairs}
        columns = ", ".join(f"{FIELDS[pair]}::text" for pair in pairs)
        async with Connections(self.url).session(
            purpose="test", settings={"search_path": "public"}
        ) as session:
            for row in await session.fetch(f"SELECT id, {columns} FROM cells"):
                for pair in pairs:
                    if (text := row[FIELDS[pair]]) is not None:
                        found[pair][row["id"]] = comparable(text, parse(pair[side]))
        return found

    async def content(self) -> Any:
        """Return every row as text."""
        columns = ", ".join(FIELDS.values())
        async with Connections(self.url).session(
            purpose="test", settings={"search_path": "public"}
        ) as session:
            return [
                tuple(row)
                for row in await session.fetch(f"SELECT ROW({columns})::text FROM cells ORDER BY id")
            ]


@dataclass
class MongoCells:
    """The cells as fields."""

    database: AsyncDatabase[dict[str, Any]]

    async def fill(self) -> None:
        """Insert every value; where PostgreSQL has no value, the field is missing."""
        documents: dict[int, dict[str, Any]] = {}
        for pair, cell in CELLS.items():
            for key, text in enumerate(cell, 1):
                document = documents.setdefault(key, {"_id": key})
                if not is_beyond(text, *map(parse, pair)):
                    document[FIELDS[pair]] = bson_of(text, parse(pair[0]))
        await self.database["cells"].insert_many(list(documents.values()))

    async def empty(self, pair: Pair, keys: set[int]) -> None:
        """Unset values."""
        await self.database["cells"].update_many({"_id": {"$in": list(keys)}}, {"$unset": {FIELDS[pair]: 1}})

    async def read(self, pairs: Collection[Pair], side: int) -> Values:
        """Read every field, which has to be of exactly the type asked for."""
        found: Values = {pair: {} for pair in pairs}
        for document in await self._documents():
            for pair in pairs:
                if FIELDS[pair] in document:
                    found[pair][document["_id"]] = spelled(document[FIELDS[pair]], parse(pair[side]))
        return found

    async def content(self) -> Any:
        """Return every document, types included."""
        return [repr(document) for document in await self._documents()]

    async def _documents(self) -> list[dict[str, Any]]:
        from bson.codec_options import CodecOptions, DatetimeConversion

        codec: Any = CodecOptions
        options = codec(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
        cells: Any = self.database.get_collection("cells", codec_options=options)
        return await cells.find({}).sort("_id", 1).to_list(None)


@dataclass
class Seen:
    """What happened to every cell on one database; where several are equal, `unchanged` covers all."""

    listed: dict[Pair, set[int]]
    converted: Values
    returned: Values
    unchanged: bool


async def observe(backend: Backend, store: Store) -> Seen:
    """Convert everything, convert what is lossless back, then undo both."""
    await store.fill()
    there = await rendered(backend, PAIRS, "20260101_there")
    listed = {pair: await every_listed(backend, store, pair, step) for pair, step in there.items()}
    before = await store.content()
    await backend.run("1" * 32, list(there.values()), POLICY)
    converted = await store.read(PAIRS, 1)
    between = await store.content()

    back = await rendered(backend, LOSSLESS, "20260102_back", turned=True)
    for pair, step in back.items():
        assert await offenders(backend, step) == set(), pair
    await backend.run("2" * 32, list(back.values()), POLICY)
    returned = await store.read(LOSSLESS, 0)
    await backend.run("3" * 32, undoing(back), POLICY)
    assert await store.content() == between
    await backend.run("4" * 32, undoing(there), POLICY)
    return Seen(listed, converted, returned, unchanged=await store.content() == before)


async def rendered(
    backend: Backend, pairs: Collection[Pair], migration: str, *, turned: bool = False
) -> dict[Pair, Step]:
    """Return the one step that converts each cell, or converts it back."""
    snapshot = await backend.inspect()
    steps: dict[Pair, Step] = {}
    for pair in pairs:
        was, to = map(parse, reversed(pair) if turned else pair)
        action = RetypeField(entity="cells", field=FIELDS[pair], was=was, to=to)
        (step,) = as_steps(backend.kind, action, backend.render(action, snapshot, migration=migration))
        steps[pair] = step.model_copy(update={"id": FIELDS[pair]})
    return steps


def undoing(steps: dict[Pair, Step]) -> list[Step]:
    """Return the steps that undo, in reverse."""
    return [step.reversed() for step in reversed(steps.values())]


async def offenders(backend: Backend, step: Step) -> set[int]:
    """Return the keys that the opening questions show."""
    results = [await backend.probe(probe) for probe in step.forward.before]
    return {int(key) for result in results for key in result.keys}


async def every_listed(backend: Backend, store: Store, pair: Pair, step: Step) -> set[int]:
    """Take the listed values away until none is listed, because only the first keys are shown."""
    listed: set[int] = set()
    while found := await offenders(backend, step):
        assert not found & listed, pair
        await store.empty(pair, found)
        listed |= found
    return listed


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=list(BackendKind))
async def seen(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[tuple[BackendKind, Seen]]:
    """All cells at once on one database, because a server is slow to ask and quick to answer."""
    kind: BackendKind = request.param
    names = NameMap()
    if kind is BackendKind.POSTGRES:
        async with fresh_postgres_database(servers.postgres_url) as url:
            backend = open_backend(kind, url, names)
            try:
                yield kind, await observe(backend, PostgresCells(url))
            finally:
                await asyncio.wait_for(backend.close(), 10)
        return
    async with fresh_mongodb_database(servers.mongodb_url) as url, mongodb_client(url) as client:
        backend = open_backend(kind, url, names)
        try:
            yield kind, await observe(backend, MongoCells(client.get_default_database()))
        finally:
            await asyncio.wait_for(backend.close(), 10)


@pytest.mark.parametrize("pair", PAIRS, ids=" to ".join)
def test_each_value_converts_as_said_or_is_listed(seen: tuple[BackendKind, Seen], pair: Pair) -> None:
    """Both databases of a pair have to end with the same value, and none may stop a migration half-way."""
    kind, found = seen
    expected = {
        key: getattr(new, kind) if isinstance(new, Differs) else new
        for key, (text, new) in enumerate(CELLS[pair].items(), 1)
        if kind is BackendKind.POSTGRES or not is_beyond(text, *map(parse, pair))
    }
    texts = dict(enumerate(CELLS[pair], 1))
    bad = {key for key, new in expected.items() if new is None}
    assert {texts[key] for key in found.listed[pair]} == {texts[key] for key in bad}
    to = parse(pair[1])
    good = {texts[key]: comparable(new, to) for key, new in expected.items() if new is not None}
    assert {texts[key]: new for key, new in found.converted[pair].items()} == good


@pytest.mark.parametrize("pair", LOSSLESS, ids=" to ".join)
def test_a_lossless_conversion_lists_nothing_and_comes_back_the_same(
    seen: tuple[BackendKind, Seen], pair: Pair
) -> None:
    """The word is a promise about every value of the type."""
    kind, found = seen
    was = parse(pair[0])
    assert found.listed[pair] == set()
    assert found.returned[pair] == {
        key: comparable(text, was)
        for key, text in enumerate(CELLS[pair], 1)
        if kind is BackendKind.POSTGRES or not is_beyond(text, *map(parse, pair))
    }


def test_undoing_gives_back_every_value_as_it_was(seen: tuple[BackendKind, Seen]) -> None:
    """The old values were kept, so even a lossy conversion costs nothing."""
    _, found = seen
    assert found.unchanged


def test_every_conversion_that_is_defined_has_values_here() -> None:
    """A new type or a new conversion without a test of its own would be a promise without proof."""
    assert set(CELLS) == DEFINED
    assert {parse(text).kind for text in TYPES} == set(Kind) - {Kind.REFERENCE}
    assert all(CELLS[pair] for pair in PAIRS)


def test_where_there_is_a_way_there_is_one_back() -> None:
    """A downgrade has to convert what was written since."""
    assert {(to, was) for was, to in DEFINED} == DEFINED
