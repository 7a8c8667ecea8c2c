"""Restoring a dump: no damage to a file goes unnoticed, and nothing half restored is left."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from skill_server.backends.mongo import layout
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.load import load
from skill_server.errors import Failed, Refused
from tests.contract.mongo.sample import dump_a_little


# What may happen to a directory on its way; each must be noticed before anything is restored.
def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut_on_a_border(path: Path) -> None:
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(whole[: -int.from_bytes(whole[:4], "little")], 1))


def _lose(path: Path) -> None:
    path.unlink()


def _swap_for_a_link(path: Path) -> None:
    moved = path.with_suffix(".moved")
    path.rename(moved)
    path.symlink_to(moved)


def _swap_for_another(path: Path) -> None:
    shutil.copy(path.with_name("types" + path.name.removeprefix("items")), path)


HARMS = (_flip, _lose, _swap_for_a_link, _swap_for_another)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("harm", "name"),
    [
        *((harm, "items.bson.gz") for harm in HARMS),
        (_cut_on_a_border, "items.bson.gz"),
        *((harm, "items.metadata.json.gz") for harm in HARMS),
    ],
)
async def test_a_harmed_file_is_named_before_anything_is_restored(
    connections: Connections, copy: Connections, tmp_path: Path, harm: Callable[[Path], None], name: str
) -> None:
    """MongoDB's own tool restores a file cut between two documents, or without metadata, without complaint."""
    await dump_a_little(connections, tmp_path)
    harm(tmp_path / "mongodb" / connections.database / name)

    with pytest.raises(Failed, match=name) as raised:
        await load(copy, tmp_path)

    assert raised.value.code == "backup-damaged"
    assert copy.database not in await connections.client().list_database_names()


@pytest.mark.faults
@pytest.mark.parametrize(
    "change",
    [b"", b"{}", None, ('"records": 20', '"records": 19'), ('"name": "types"', '"name": "tapes"')],
)
async def test_a_harmed_list_is_noticed(
    connections: Connections, copy: Connections, tmp_path: Path, change: bytes | tuple[str, str] | None
) -> None:
    """The list says what whole means, so it must not be changed either."""
    await dump_a_little(connections, tmp_path)
    path = tmp_path / layout.LIST_FILE
    if change is None:
        path.unlink()
    elif isinstance(change, bytes):
        path.write_bytes(change)
    else:
        path.write_text(path.read_text().replace(*change))

    with pytest.raises(Failed) as raised:
        await load(copy, tmp_path)

    assert raised.value.code == "backup-damaged"


@pytest.mark.faults
async def test_a_list_that_leads_out_of_the_backup_is_refused(
    connections: Connections, tmp_path: Path
) -> None:
    """A backup from elsewhere must not make this product read other files."""
    await dump_a_little(connections, tmp_path)
    listed = layout.read_list(tmp_path)
    outside = listed.prelude.model_copy(update={"name": "../outside"})
    forged = listed.model_copy(update={"prelude": outside}).sealed()
    (tmp_path / layout.LIST_FILE).write_text(forged.model_dump_json())

    with pytest.raises(Failed, match="outside the backup"):
        layout.read_list(tmp_path)


@pytest.mark.faults
async def test_a_restore_that_the_server_refuses_leaves_nothing(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """Half a restored database must never be compared or rehearsed on."""
    await dump_a_little(connections, tmp_path)
    listed = layout.read_list(tmp_path)
    wrong = layout.exact(
        layout.Collection(name="types", kind="collection", options={"capped": "no such size"})
    )
    collections = tuple(
        item.model_copy(update={"described": wrong}) if item.name == "types" else item
        for item in listed.collections
    )
    forged = listed.model_copy(update={"collections": collections}).sealed()
    (tmp_path / layout.LIST_FILE).write_text(forged.model_dump_json())

    with pytest.raises(Failed):
        await load(copy, tmp_path)

    assert copy.database not in await connections.client().list_database_names()


async def test_a_restore_goes_into_an_empty_database_only(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """What is there already would be mixed with the backup."""
    await dump_a_little(connections, tmp_path)
    await copy.db()["items"].insert_one({"_id": "mine"})

    with pytest.raises(Refused) as raised:
        await load(copy, tmp_path)

    assert raised.value.code == "restore-target-not-empty"
    assert await copy.db()["items"].find_one() == {"_id": "mine"}
