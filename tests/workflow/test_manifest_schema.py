"""The manifest of a real backup keeps to the schema that is published for whoever restores by hand."""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyrage import x25519

from skill_server.application import detecting
from skill_server.backends.postgres.backup import dump as postgres_dump
from skill_server.backup import manifest as manifests
from skill_server.backup import take
from skill_server.backup.sealing import AgeSeal
from tests.support.project import a_project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backup-manifest.schema.json"
EVERY_TABLE = 1


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("in_parts", [False, True])
async def test_the_manifest_of_a_real_backup_keeps_to_its_schema(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    sealed: bool,
    in_parts: bool,
) -> None:
    """Made-up manifests hold what their author thought of; servers, large tables and seals add what is really there."""
    if in_parts:
        monkeypatch.setattr(postgres_dump, "dump", partial(postgres_dump.dump, large_bytes=EVERY_TABLE))
    seal = AgeSeal((x25519.Identity.generate(),)) if sealed else None
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (_, app):
        await detecting.detect_databases(app, None)
        session = await app.session(None)
        taken = await take.take(
            session.pair,
            session.backups.prepare(),
            session.identity,
            ({"revision": "2026_03_14_add", "digest": "0" * 64},),
            seal=seal,
            plan="plan",
        )
        place = session.settings.backups / taken.label
        held: dict[str, Any] = json.loads((place / manifests.MANIFEST_FILE).read_text())

    validator = validator_of(json.loads(PAGE.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(held)] == []
    parts = [part["name"] for part in held["dumps"]["postgres"]["parts"]]
    assert any(".copy." in name for name in parts) == in_parts
    assert (held["sealed"] == "age") == sealed
    assert manifests.read(place) == taken
    for harmed in harms(held):
        assert not validator.is_valid(harmed)


def validator_of(schema: dict[str, Any]) -> Any:
    """Return what checks the form of times and digests too, and holds that the schema itself is one."""
    jsonschema.Draft202012Validator.check_schema(schema)
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


def harms(held: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the manifest with one thing wrong in each."""
    found: list[dict[str, Any]] = []
    for path, value in (
        (("format",), 3),
        (("label",), "../elsewhere"),
        (("sealed",), "gpg"),
        (("dumps", "oracle"), held["dumps"]["postgres"]),
        (("dumps", "mongodb", "parts"), None),
        (("dumps", "mongodb", "parts", 0, "sha256"), 7),
        (("dumps", "postgres", "unheard_of"), True),
    ):
        harmed = copy.deepcopy(held)
        place: Any = harmed
        for word in path[:-1]:
            place = place[word]
        place[path[-1]] = value
        found.append(harmed)
    return found
