"""Damage to the files of a backup by somebody who also adapts every hash and count, so that only content can tell."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import zstandard

from skill_server.backends.mongo.backup import layout
from skill_server.backup.manifest import BackupManifest
from skill_server.model.ids import BackendKind

Harm = Callable[[bytes], bytes]
_NOTES = {BackendKind.POSTGRES: "postgres.json", BackendKind.MONGODB: layout.LIST_FILE}


def flipped(needle: bytes) -> Harm:
    """Return the harm of one flipped bit in the last byte of a text that occurs once."""

    def harm(content: bytes) -> bytes:
        assert content.count(needle) == 1
        place = content.index(needle) + len(needle) - 1
        return content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]

    return harm


def row_cut(content: bytes) -> bytes:
    """Cut the last row off the text of COPY."""
    return content[: content.rindex(b"\n", 0, -1) + 1]


def document_cut(content: bytes) -> bytes:
    """Cut the last document off a concatenation of BSON."""
    place = 0
    while (end := place + int.from_bytes(content[place : place + 4], "little")) < len(content):
        place = end
    return content[:place]


def unpacked(path: Path) -> bytes:
    """Return the plain content of a packed file."""
    packed = path.read_bytes()
    return (
        gzip.decompress(packed)
        if path.suffix == ".gz"
        else zstandard.ZstdDecompressor().stream_reader(packed).read()
    )


def harmed(
    taken: BackupManifest, place: Path, kind: BackendKind, name: str, harm: Harm, *, lost: int = 0
) -> BackupManifest:
    """Do harm to the content of a packed file, and return the manifest that fits all the same.

    `lost` records are taken off the counts that are kept of the file.
    """
    folder = place / taken.label / kind
    path = folder / name
    before, plain = _seen(path), unpacked(path)
    content = harm(plain)
    path.write_bytes(
        gzip.compress(content, 1) if path.suffix == ".gz" else zstandard.ZstdCompressor(1).compress(content)
    )
    words = {before[0]: _seen(path), _sha256(plain): (_sha256(content), len(content))}
    note = folder / _NOTES[kind]
    note_before = _seen(note)
    told = json.dumps(_adapted(json.loads(note.read_text()), words, lost))
    if kind is BackendKind.MONGODB:
        told = layout.DumpList.model_validate_json(told).sealed().model_dump_json(indent=1)
    note.write_text(told)
    manifest = _adapted(taken.model_dump(mode="json"), words | {note_before[0]: _seen(note)}, lost)
    return BackupManifest.model_validate(manifest)


def _adapted(found: Any, words: dict[str, tuple[str, int]], lost: int) -> Any:
    """Return JSON with new hashes, and beside each of them its size and count."""
    if isinstance(found, list):
        return [_adapted(item, words, lost) for item in cast("list[Any]", found)]
    if not isinstance(found, dict):
        return found
    result = {key: _adapted(value, words, lost) for key, value in cast("dict[str, Any]", found).items()}
    for sha, size in (("sha256", "size_bytes"), ("plain_sha256", "plain_bytes")):
        if (new := words.get(result.get(sha, ""))) is not None:
            result[sha], result[size] = new
            if sha == "sha256" and result.get("records"):
                result["records"] -= lost
    return result


def _seen(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return _sha256(content), len(content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
