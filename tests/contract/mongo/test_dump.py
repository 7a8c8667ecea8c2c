"""Backups of MongoDB through the driver: they come back whole, and no damage to a file goes unnoticed."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from skill_server.backends.mongo.backup import dump_reads as dumping
from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.durable import require_space, sha256_of
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents.bson_walk import documents
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from tests.contract.mongo.sample import LONG_NAME, ODD_NAME, content_of, dump_a_little, fill_with_everything

NAMES = NameMap()


async def test_a_restored_copy_is_the_same_in_content_options_and_indexes(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """A backup that was never restored and compared is a hope."""
    await fill_with_everything(connections)

    result = await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert await content_of(copy) == await content_of(connections)
    assert result.checksums == await checksums(connections, NAMES) == await checksums(copy, NAMES)


async def test_documents_come_back_in_the_order_of_a_capped_collection(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """Readers of a capped collection rely on the order of insertion."""
    await fill_with_everything(connections, documents=1)

    await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert [document["_id"] async for document in copy.db()["log"].find()] == [3, 1, 2]


async def test_a_time_series_comes_back(connections: Connections, copy: Connections, tmp_path: Path) -> None:
    """Measurements are read and written as an application does, whatever buckets the server keeps them in."""
    await connections.db().create_collection("measured", timeseries={"timeField": "at", "metaField": "of"})
    await connections.db()["measured"].insert_many(
        [{"at": datetime(2026, 1, 1, 0, 0, key, tzinfo=UTC), "of": 1, "v": key} for key in range(9)]
    )

    result = await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert await content_of(copy) == await content_of(connections)
    assert result.checksums == await checksums(copy, NAMES)
    # Beside its metadata, MongoDB's own tool would take the file for one of the server's buckets.
    assert [part.name for part in result.parts if part.name.endswith(".bson.gz")] == [
        f"mongodb/{connections.database}/measurements/measured.bson.gz"
    ]


async def test_the_files_are_those_that_mongodbs_own_tools_read(
    connections: Connections, tmp_path: Path
) -> None:
    """In an emergency a person restores with mongorestore --gzip, without this product."""
    await fill_with_everything(connections)
    await dump(connections, NAMES, tmp_path)
    folder = tmp_path / "mongodb" / connections.database

    metadata = json_util.loads(gzip.decompress((folder / "items.metadata.json.gz").read_bytes()))
    items = list(documents(gzip.decompress((folder / "items.bson.gz").read_bytes())))

    assert list(metadata) == ["options", "indexes", "uuid", "collectionName", "type"]
    assert {index["name"] for index in metadata["indexes"]} == {"_id_", "by n", "by name"}
    assert len(items) == 302
    assert "%C3%84rger+%2F+%252F%2B.bson.gz" in {path.name for path in folder.iterdir()}
    assert layout.file_stem(ODD_NAME) == "%C3%84rger+%2F+%252F%2B"
    assert f"{layout.file_stem(LONG_NAME)}.bson.gz" in {path.name for path in folder.iterdir()}
    assert {path.name for path in folder.iterdir() if "view" in path.name} == {"a+view.metadata.json.gz"}
    assert metadata["options"]["collation"]["locale"] == "de"
    assert metadata["uuid"] == bytes.fromhex(metadata["uuid"]).hex()
    view = json_util.loads(gzip.decompress((folder / "a+view.metadata.json.gz").read_bytes()))
    assert (view["type"], view["options"]["viewOn"], view["indexes"]) == ("view", "items", [])
    log = json_util.loads(gzip.decompress((folder / "log.metadata.json.gz").read_bytes()))
    assert (log["options"]["capped"], log["options"]["size"], log["options"]["max"]) == (True, 65536, 100)
    prelude = json.loads(gzip.decompress((tmp_path / "mongodb" / "prelude.json.gz").read_bytes()))
    assert set(prelude) == {"ServerVersion", "ToolVersion"}


def test_a_very_long_name_is_cut_and_hashed_as_mongodbs_tools_do() -> None:
    """File systems allow 255 bytes, and percent signs make a name three times as long."""
    stem = layout.file_stem("é" * 50)

    # 208 characters, %24, and 27 of base64.
    assert len(stem) == 238
    assert stem.startswith("%C3%A9" * 34 + "%C3%%24")
    assert layout.file_stem("a" * 238) == "a" * 238
    assert len(layout.file_stem("a" * 239)) == 238


async def test_the_products_own_collections_stay_out(connections: Connections, tmp_path: Path) -> None:
    """The ledger is carried forward after a restore; a dumped one would bring old evidence back."""
    await fill_with_everything(connections, documents=1)

    result = await dump(connections, NAMES, tmp_path)

    assert not [part.name for part in result.parts if "database_migration" in part.name]


async def test_every_part_is_listed_private_and_hashed(connections: Connections, tmp_path: Path) -> None:
    """The manifest above relies on the list, and other users must not read data."""
    result = await dump_a_little(connections, tmp_path)

    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    assert {part.name for part in result.parts} == set(files)
    for part in result.parts:
        assert sha256_of(files[part.name]) == (part.size_bytes, part.sha256)
        assert files[part.name].stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in tmp_path.rglob("*") if path.is_dir())
    assert {part.records for part in result.parts if part.name.endswith("items.bson.gz")} == {20}


async def test_a_second_dump_into_the_same_directory_is_refused(
    connections: Connections, tmp_path: Path
) -> None:
    """Files of two moments side by side would be restored as one."""
    await dump_a_little(connections, tmp_path)

    with pytest.raises(Refused) as raised:
        await dump(connections, NAMES, tmp_path)

    assert raised.value.code == "backup-exists"
    layout.read_list(tmp_path)


async def test_a_quiet_database_is_dumped_as_of_one_moment(connections: Connections, tmp_path: Path) -> None:
    """Two equal reads prove it where the server's snapshots do not isolate."""
    result = await dump_a_little(connections, tmp_path)

    assert result.point_in_time
    assert result.tool in {dumping.IN_SNAPSHOT, dumping.QUIET}


async def test_one_write_during_the_dump_is_caught_up_with(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The dump and its checksums must be of the same moment, also when a writer came in between."""
    await connections.db()["items"].insert_many([{"_id": key} for key in range(5)])
    written = False

    async def write_once(*_: Any) -> None:
        nonlocal written
        if not written:
            written = True
            await connections.db()["items"].insert_one({"_id": "late"})
            await connections.db()["made late"].insert_one({"_id": 1})

    result = await dump(connections, NAMES, tmp_path, write_once)
    await load(copy, tmp_path)

    assert result.point_in_time
    assert result.checksums == await checksums(copy, NAMES)
    if result.tool == dumping.QUIET:
        assert result.checksums == await checksums(connections, NAMES)


async def test_a_writer_that_does_not_stop_costs_the_promise_of_one_moment(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The dump is whole file by file, but it must not be called point in time."""
    await connections.db()["items"].insert_many([{"_id": key} for key in range(5)])

    async def write_always(*_: Any) -> None:
        await connections.db()["items"].insert_one({})

    result = await dump(connections, NAMES, tmp_path, write_always)
    await load(copy, tmp_path)

    assert result.point_in_time == (result.tool == dumping.IN_SNAPSHOT)
    assert result.checksums == await checksums(copy, NAMES)


def test_a_dump_that_will_not_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    """Filling the disk of a database server to the brim is an incident of its own."""
    free = shutil.disk_usage(tmp_path).free

    require_space(tmp_path, 0)
    with pytest.raises(Refused) as raised:
        require_space(tmp_path, free)

    assert raised.value.code == "backup-no-space"


CHILD = """
import asyncio, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backup.sealing import AgeSeal
from skill_server.errors import Failed
from skill_server.model.names import NameMap

async def main():
    connections = Connections(sys.stdin.readline().strip())
    seal = None
    if sys.argv[2] == "sealed":
        from pyrage import x25519
        seal = AgeSeal([x25519.Identity.generate()])
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        await dump(connections, NameMap(), Path(sys.argv[1]), seal=seal)
    except Failed as failure:
        print(failure.code)

asyncio.run(main())
"""


@pytest.mark.faults
@pytest.mark.parametrize("stored", ["plain", "sealed"])
async def test_a_full_disk_leaves_no_dump(
    connections: Connections, mongo_database: str, tmp_path: Path, stored: str
) -> None:
    """A file size limit stops the writer as a full disk does; what was written would only take the space."""
    noise = [{"_id": key, "noise": b"".join(uuid.uuid4().bytes for _ in range(8))} for key in range(500)]
    await connections.db()["items"].insert_many(noise)

    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(tmp_path), stored),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    # The URL may hold a password, so it does not stand among the arguments.
    answer, _ = await asyncio.wait_for(child.communicate(f"{mongo_database}\n".encode()), 60)

    assert answer.decode().strip() == "backup-no-space"
    assert list(tmp_path.iterdir()) == []
    assert await connections.db()["items"].count_documents({}) == 500
