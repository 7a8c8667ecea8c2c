"""Restoring a dump: no damage to a file goes unnoticed, and nothing half restored is left."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.durable import sha256_of
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.schema.inspect import fingerprint
from skill_server.backends.mongo.schema.listing import listing
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
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


def _forge(directory: Path, listed: layout.DumpList, **changes: object) -> None:
    """Change what the list says of the items, and give it the digest that fits."""
    collections = tuple(
        item.model_copy(update=changes) if item.name == "items" else item for item in listed.collections
    )
    forged = listed.model_copy(update={"collections": collections}).sealed()
    (directory / layout.LIST_FILE).write_text(forged.model_dump_json())


@pytest.mark.faults
async def test_a_cut_file_with_hashes_to_match_has_too_few_documents(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The number of documents is known from the writing, and holds where every hash was made to fit."""
    result = await dump_a_little(connections, tmp_path)
    path = tmp_path / "mongodb" / connections.database / "items.bson.gz"
    whole = layout.read_list(tmp_path)
    _cut_on_a_border(path)
    part = next(item.content for item in whole.collections if item.name == "items")
    assert part is not None
    size, sha256 = sha256_of(path)
    cut = part.model_copy(update={"size_bytes": size, "sha256": sha256})
    _forge(tmp_path, whole, content=cut)

    with pytest.raises(Failed, match="holds 19 documents instead of 20") as raised:
        await load(copy, tmp_path)

    assert raised.value.code == "backup-damaged"
    # With the number forged as well, the sums of the restored copy differ from those of the dump.
    _forge(tmp_path, whole, content=cut.model_copy(update={"records": 19}))
    await load(copy, tmp_path)
    assert await checksums(copy, NameMap()) != result.checksums


@pytest.mark.faults
@pytest.mark.parametrize("lost", ["indexes", "options"])
async def test_a_lost_index_or_validator_shows_in_the_fingerprint_of_the_copy(
    connections: Connections, copy: Connections, tmp_path: Path, lost: str
) -> None:
    """MongoDB restores data without its indexes and rules just as willingly."""
    validator = {"n": {"$gte": 0}}
    await connections.db().create_collection("items", validator=validator)
    result = await dump_a_little(connections, tmp_path)
    item = next(item for item in await listing(connections) if item.name == "items")
    poorer = replace(item, indexes=item.indexes[:1]) if lost == "indexes" else replace(item, options={})
    _forge(tmp_path, layout.read_list(tmp_path), described=layout.exact(poorer))

    await load(copy, tmp_path)

    assert await checksums(copy, NameMap()) == result.checksums
    assert fingerprint(await listing(copy)) != result.fingerprint


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


async def test_an_index_whose_only_key_is_the_id_comes_back(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The server makes just the ascending one itself; a proof that misses another fails for good."""
    await connections.db()["items"].insert_one({"_id": 1})
    await connections.db()["items"].create_index([("_id", -1)])
    await connections.db()["places"].insert_one({"_id": {"type": "Point", "coordinates": [1, 2]}})
    await connections.db()["places"].create_index([("_id", "2dsphere")])
    result = await dump(connections, NameMap(), tmp_path)

    await load(copy, tmp_path)

    assert fingerprint(await listing(copy)) == result.fingerprint
