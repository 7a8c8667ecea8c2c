"""Scratch databases on MongoDB: whole copies, and the only databases that are ever dropped."""

from __future__ import annotations

import pytest

from skill_server.backends.mongo.backup import scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
from tests.contract.mongo.sample import content_of, fill_with_everything


async def test_a_copy_has_the_same_content_options_and_indexes(
    connections: Connections, copy: Connections
) -> None:
    """A rehearsal on a copy that lacks a validator or an index proves nothing."""
    await fill_with_everything(connections)

    await scratch.copy_from(copy, connections.database)

    assert await content_of(copy) == await content_of(connections)
    assert await checksums(copy, NameMap()) == await checksums(connections, NameMap())


async def test_the_products_own_collections_are_not_copied(
    connections: Connections, copy: Connections
) -> None:
    """A copy with a ledger of its own could be taken for the original."""
    await fill_with_everything(connections, documents=1)

    await scratch.copy_from(copy, connections.database)

    own = [name for name in await copy.db().list_collection_names() if name.startswith("database_migration")]
    assert own == [scratch.MARK_COLLECTION]


async def test_a_scratch_database_is_listed_until_it_is_dropped(
    connections: Connections, copy: Connections
) -> None:
    """What a crash leaves behind is found by its mark."""
    await connections.db()["items"].insert_one({"_id": 1})
    await scratch.copy_from(copy, connections.database)
    assert copy.database in await scratch.scratch(connections)

    await scratch.drop(copy)

    assert copy.database not in await scratch.scratch(connections)
    assert copy.database not in await connections.client().list_database_names()


async def test_a_database_that_is_not_scratch_is_never_dropped(connections: Connections) -> None:
    """Neither name nor mark alone is enough, and a live database has no such name."""
    await connections.db()["items"].insert_one({"_id": 1})
    await connections.db()[scratch.MARK_COLLECTION].insert_one(
        {"_id": "scratch", "database": connections.database}
    )

    with pytest.raises(Refused) as raised:
        await scratch.drop(connections)

    assert raised.value.code == "not-scratch"
    assert await connections.db()["items"].count_documents({}) == 1


@pytest.mark.parametrize("marked_as", [None, "another"])
async def test_a_database_with_the_prefix_but_not_its_own_mark_is_never_dropped(
    connections: Connections, copy: Connections, marked_as: str | None
) -> None:
    """Somebody may have chosen such a name, or copied a scratch database together with its mark."""
    await copy.db()["items"].insert_one({"_id": 1})
    if marked_as is not None:
        await copy.db()[scratch.MARK_COLLECTION].insert_one({"_id": "scratch", "database": marked_as})

    with pytest.raises(Refused) as raised:
        await scratch.drop(copy)

    assert raised.value.code == "not-scratch"
    assert copy.database not in await scratch.scratch(connections)
    assert await copy.db()["items"].count_documents({}) == 1


async def test_a_copy_goes_into_a_scratch_name_only(connections: Connections) -> None:
    """A target without the prefix could be somebody's database."""
    with pytest.raises(Refused) as raised:
        await scratch.copy_from(connections, "anything")

    assert raised.value.code == "not-scratch"
    assert await connections.db().list_collection_names() == []


async def test_a_copy_goes_into_an_empty_database_only(connections: Connections, copy: Connections) -> None:
    """What is there already would be mixed with the copy, and dropped with it."""
    await copy.db()["items"].insert_one({"_id": 1})

    with pytest.raises(Refused) as raised:
        await scratch.copy_from(copy, connections.database)

    assert raised.value.code == "restore-target-not-empty"
    assert await copy.db()["items"].count_documents({}) == 1


async def test_a_copy_that_fails_half_way_is_dropped_again(
    connections: Connections, copy: Connections
) -> None:
    """Half a copy must never be rehearsed on."""

    async def fill_half() -> None:
        async with scratch.made_scratch(copy):
            await copy.db()["items"].insert_one({"_id": 1})
            raise Failed("broken", "something broke", help="Do nothing.")

    with pytest.raises(Failed, match="something broke"):
        await fill_half()

    assert copy.database not in await connections.client().list_database_names()
