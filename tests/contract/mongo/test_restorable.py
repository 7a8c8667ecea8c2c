"""What a backup's list of collections and views tells of a restore, before anything of it is loaded."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from skill_server.backends.base import scratch_name
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.scratch import scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.restore import replaceable
from skill_server.backends.mongo.restore.restorable import require_restorable
from skill_server.backends.mongo.restore.written import views_since
from skill_server.errors import Refused
from skill_server.model.names import NameMap


async def test_views_that_a_backup_does_not_have_like_this_are_named(
    mongo_database: str, tmp_path: Path
) -> None:
    """They have no documents, so no sum of content tells that a restore takes them away."""
    live = Connections(mongo_database)
    await live.db()["items"].insert_one({"_id": 1, "n": 1})
    for name in ("same", "other", "gone"):
        await live.db().command({"create": name, "viewOn": "items", "pipeline": []})
    tmp_path.chmod(0o700)
    await dump(live, NameMap(), tmp_path)
    assert await views_since(live, tmp_path, None) == ()
    for name in ("other", "gone"):
        await live.db()[name].drop()
    for name in ("new", "other"):
        await live.db().command({"create": name, "viewOn": "items", "pipeline": [{"$match": {"n": 1}}]})

    assert await views_since(live, tmp_path, None) == ("new", "other")
    await live.close()


async def test_collections_like_those_of_the_backup_are_renamed_between_scratch_databases_that_go_again(
    mongo_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that loses what it renames must be found out, and the live database is nothing to try that on."""
    live = Connections(mongo_database)
    probe = scratch_name("test", uuid.uuid4().hex[:12])
    await live.db()["items"].insert_one({"_id": 1, "n": 1})
    await live.db()["items"].create_index([("n", 1)], name="by n", unique=True)
    tmp_path.chmod(0o700)
    await dump(live, NameMap(), tmp_path)
    await live.db()["items"].drop()
    before = await live.db().list_collection_names()
    seen: list[set[str]] = []
    survives = replaceable._survives  # pyright: ignore[reportPrivateUsage]

    async def watched(*arguments: Any) -> bool:
        seen.append({arguments[0].database, arguments[1].database})
        return await survives(*arguments)

    async def loses(*_arguments: Any) -> bool:
        return False

    monkeypatch.setattr(replaceable, "_survives", watched)
    await require_restorable(live, tmp_path, probe)
    monkeypatch.setattr(replaceable, "_survives", loses)
    with pytest.raises(Refused, match="items would lose options or indexes") as refusal:
        await require_restorable(live, tmp_path, probe)

    assert refusal.value.code == "replacement-impossible"
    assert seen == [{probe, f"{probe}_in"}]
    assert [name for name in await scratch(live) if name.startswith(probe)] == []
    assert await live.db().list_collection_names() == before
    await live.close()
