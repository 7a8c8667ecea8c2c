"""Encrypted dumps: nothing readable on the disk, everything there again for whoever has the key."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyrage
import pytest
from pyrage import x25519

from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.durable import sha256_of
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.backup.sealing import AgeSeal
from skill_server.errors import Failed
from skill_server.model.names import NameMap
from tests.contract.mongo.sample import content_of, fill_with_everything

NAMES = NameMap()


async def test_an_encrypted_dump_comes_back_whole(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """Encryption must cost nothing but the key."""
    seal = AgeSeal([x25519.Identity.generate()])
    await fill_with_everything(connections)

    result = await dump(connections, NAMES, tmp_path, seal=seal)
    await load(copy, tmp_path, seal=seal)

    assert await content_of(copy) == await content_of(connections)
    assert result.checksums == await checksums(copy, NAMES)


async def test_every_file_is_encrypted_and_hashed_as_it_is_stored(
    connections: Connections, tmp_path: Path
) -> None:
    """Names of collections are all that lies there readable, and checking the hashes needs no key."""
    identity = x25519.Identity.generate()
    await connections.db()["items"].insert_many(
        [{"_id": key, "secret": "in plain words"} for key in range(9)]
    )

    result = await dump(connections, NAMES, tmp_path, seal=AgeSeal([identity]))

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {part.name for part in result.parts} == {path.relative_to(tmp_path).as_posix() for path in files}
    for part in result.parts:
        path = tmp_path / part.name
        assert path.name.endswith(".age")
        assert path.read_bytes().startswith(b"age-encryption.org/v1")
        assert sha256_of(path) == (part.size_bytes, part.sha256)
    stored = tmp_path / "mongodb" / connections.database / "items.bson.gz.age"
    assert b"in plain words" in gzip.decompress(pyrage.decrypt(stored.read_bytes(), [identity]))


@pytest.mark.faults
async def test_another_key_opens_nothing(connections: Connections, copy: Connections, tmp_path: Path) -> None:
    """A wrong key is found before anything is restored."""
    await connections.db()["items"].insert_one({"_id": 1})
    await dump(connections, NAMES, tmp_path, seal=AgeSeal([x25519.Identity.generate()]))

    for seal in (AgeSeal([x25519.Identity.generate()]), None):
        with pytest.raises(Failed) as raised:
            await load(copy, tmp_path, seal=seal)
        assert raised.value.code == "backup-damaged"
    assert copy.database not in await connections.client().list_database_names()
