"""Paths into embedded documents: what lies on the way to a nested field, and how a write keeps to it.

An aggregation `$set` of `a.b` makes an embedded document of whatever a holds, and goes into every element of an array
(MongoDB manual, `$addFields`). So each write to a nested field says in its filter what its parents are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from skill_server.backends.mongo.documents import bson_walk, raw


def parents(path: str) -> tuple[str, ...]:
    """Return the paths of the embedded documents that a field lies in, the outermost first."""
    parts = path.split(".")
    return tuple(".".join(parts[:depth]) for depth in range(1, len(parts)))


def parent(path: str) -> str:
    """Return the path of the embedded document that a field lies in, empty at the top level."""
    return path.rpartition(".")[0]


def leaf(path: str) -> str:
    """Return the name of a field in the document that it lies in."""
    return path.rpartition(".")[2]


def standing(path: str) -> dict[str, Any]:
    """Return the conditions under which every parent of a field is an embedded document; none at the top level."""
    # $type looks into arrays as well, so an array of embedded documents has to be ruled out by name.
    return {parent: {"$type": "object", "$not": {"$type": "array"}} for parent in parents(path)}


def seek(key: raw.Value, path: str) -> dict[str, Any]:
    """Return the filter for a single update of a field: the document, and what its parents have to be."""
    return {"_id": raw.key(key), **standing(path)}


def blocked(document: bytes, path: str) -> str | None:
    """Return the parent of a field that holds something else than an embedded document, or None."""
    for parent in parents(path):
        found = raw.find(document, parent)
        if found is None:
            return None
        if found.value.kind != bson_walk.DOCUMENT:
            return parent
    return None


def missing(document: bytes, path: str) -> str | None:
    """Return the outermost parent of a field that is not there, or None where all are."""
    return next((parent for parent in parents(path) if raw.find(document, parent) is None), None)


def without(document: bytes, found: Collection[str]) -> bytes:
    """Return a document without the fields at these paths, nor the embedded documents that hold nothing else."""
    body = b""
    for name, kind, data in bson_walk.fields(document):
        word = name.decode("utf-8", "replace")
        below = [path.removeprefix(f"{word}.") for path in found if path.startswith(f"{word}.")]
        if word in found:
            continue
        if below and kind == bson_walk.DOCUMENT:
            inner = without(data, below)
            if len(inner) > bson_walk.SMALLEST_DOCUMENT:
                body += raw.Value(kind, inner).element(name)
            continue
        body += raw.Value(kind, data).element(name)
    return (len(body) + bson_walk.SMALLEST_DOCUMENT).to_bytes(4, "little") + body + b"\x00"


def nested(values: Mapping[str, raw.Value]) -> Any:
    """Return a raw document with each value at its path, in this order."""
    members: dict[str, Any] = {}
    for path, value in values.items():
        *outer, name = path.split(".")
        inside = members
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[name] = value
    return _document(members)


def _document(members: Mapping[str, Any]) -> Any:
    held: dict[str, raw.Value] = {}
    for name, value in members.items():
        if isinstance(value, Mapping):
            inner = _document(cast("Mapping[str, Any]", value))
            held[name] = raw.Value(bson_walk.DOCUMENT, inner.raw)
        else:
            held[name] = value
    return raw.document(**held)
