"""Writing computed values into documents that are still as they were read, and giving the old values back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo.documents import bson_walk, paths, raw
from skill_server.backends.mongo.documents.plain_values import Unreadable, Unwritable, plain, shape, stored
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.backends.mongo.records.read import fields_of, kept_value
from skill_server.backends.mongo.records.store import Place, errors_of, key_of, refusal, side_collection
from skill_server.backends.records import Edit
from skill_server.errors import Failed, Refused

EMPTY: dict[str, Any] = {}


@dataclass(frozen=True)
class _Ready:
    """An edit whose record still holds what was read: the raw values that are there, and those to come."""

    key: raw.Value
    document: bytes
    old: Mapping[str, raw.Value | None]
    new: Mapping[str, raw.Value]
    read: Mapping[str, raw.Value | None]


async def update(place: Place, kept: str | None, edits: Sequence[Edit]) -> int:
    """Write the edits whose records still hold what was read; return how many hold their new values now.

    Raises:
        Failed: `value-not-held`, `parent-not-embedded` or `value-refused`, with the key of the record.
        Refused: `field-not-changeable`; `_id` never changes.
    """
    written = list(dict.fromkeys(field for edit in edits for field in edit.write))
    for field in written:
        if place.path(field) == "_id":
            raise Refused(
                "field-not-changeable",
                f"{field} of {place.entity} is the _id of its documents, which never changes",
                help="Write to another field.",
            )
    types = await place.types(written)
    wanted = {key_of(edit.key): edit for edit in edits}
    there = await place.documents(list(wanted))
    ready = [
        _ready(place, key, there[key], edit, types)
        for key, edit in wanted.items()
        if key in there and _still(place, there[key], edit)
    ]
    if kept is not None:
        await _keep(place, kept, ready)
    return await _write(place, ready)


def _still(place: Place, document: bytes, edit: Edit) -> bool:
    return all(
        _shape_at(document, place.path(field)) == (shape(edit.read[field]) if field in edit.read else None)
        for field in edit.read
    )


def _shape_at(document: bytes, path: str) -> Any:
    found = raw.find(document, path)
    try:
        return None if found is None else shape(plain(found.value))
    except Unreadable:
        return None


def _ready(
    place: Place, key: raw.Value, document: bytes, edit: Edit, types: Mapping[str, frozenset[str]]
) -> _Ready:
    new: dict[str, raw.Value] = {}
    for field, value in edit.write.items():
        barrier = paths.blocked(document, place.path(field))
        if barrier is not None:
            raise Failed(
                "parent-not-embedded",
                f"{barrier} of the record {raw.key_text(key)} is no embedded document, so {field} has no place in it",
                help="Correct the document, then call again.",
                detail={"record": raw.key_text(key)},
            )
        try:
            new[field] = stored(value, types[field])
        except Unwritable as reason:
            raise value_not_held(field, raw.key_text(key), reason) from reason
    return _Ready(
        key=key,
        document=document,
        old=_values(place, document, edit.write),
        new=new,
        read=_values(place, document, [*edit.read, *edit.write]),
    )


def value_not_held(field: str, shown: str, reason: Unwritable) -> Failed:
    """Return the failure of a value that MongoDB cannot hold as it is."""
    return Failed(
        "value-not-held",
        f"the new value of {field} of the record {shown} cannot be held by MongoDB: {reason}",
        help="Round or correct the value where it is computed.",
        detail={"record": shown},
    )


def _values(
    place: Place, document: bytes, fields: Sequence[str] | Mapping[str, Any]
) -> dict[str, raw.Value | None]:
    found = {field: raw.find(document, place.path(field)) for field in fields}
    return {field: None if one is None else one.value for field, one in found.items()}


async def _keep(place: Place, kept: str, ready: Sequence[_Ready]) -> None:
    sides = await place.sides(kept, [one.key for one in ready])
    await place.put(kept, [_side(place, one, sides.get(one.key)) for one in ready])


def _side(place: Place, one: _Ready, side: bytes | None) -> Any:
    earlier = () if side is None else fields_of(side)
    old: dict[str, raw.Value] = {}
    new: dict[str, raw.Value] = dict(one.new)
    made: list[raw.Value] = [] if side is None else _made(side)
    for field in dict.fromkeys([*earlier, *one.new]):
        value = one.old.get(field)
        if side is not None and field in earlier:
            first, last = kept_value(side, "old", field), kept_value(side, "new", field)
            # A value that no earlier round found or wrote is the application's, and what a downgrade owes it.
            if field not in one.old or value in (first, last):
                value = first
            if last is not None:
                new.setdefault(field, last)
        if value is not None:
            old[field] = value
        parent = paths.missing(one.document, place.path(field))
        if field in one.new and parent is not None:
            made.append(raw.encoded(parent))
    return raw.document(
        _id=one.key, old=_embedded(old), new=_embedded(new), made=_array(list(dict.fromkeys(made)))
    )


def _embedded(values: Mapping[str, raw.Value]) -> raw.Value:
    return raw.Value(bson_walk.DOCUMENT, raw.document(**values).raw)


def _array(values: Sequence[raw.Value]) -> raw.Value:
    numbered = {str(number): value for number, value in enumerate(values)}
    return raw.Value(bson_walk.ARRAY, raw.document(**numbered).raw)


def _made(side: bytes) -> list[raw.Value]:
    return [raw.Value(kind, data) for _, kind, data in bson_walk.fields(raw.require(side, "made").data)]


async def _write(place: Place, ready: Sequence[_Ready]) -> int:
    from pymongo import UpdateOne

    same = [one for one in ready if all(one.old[field] == value for field, value in one.new.items())]
    changing = [one for one in ready if one not in same]
    if not changing:
        return len(same)
    requests: list[Any] = [
        UpdateOne({"_id": raw.key(one.key), **_place_in(place, one)}, [{"$set": _assignments(place, one)}])
        for one in changing
    ]
    collection = place.connections.db()[place.collection]
    try:
        # The validator is asked: what was computed now has to keep the rules of now.
        result = await place.writing(lambda: collection.bulk_write(requests, ordered=False))
    except Failed as failure:
        errors = errors_of(failure)
        if not errors:
            raise
        raise refusal(errors[0], "the new values", [raw.key_text(one.key) for one in changing]) from failure
    return len(same) + int(result.modified_count)


def _place_in(place: Place, one: _Ready) -> dict[str, Any]:
    """Return the filter that holds while the embedded documents on the way are as they were read."""
    conditions: dict[str, Any] = {}
    for field in one.new:
        path = place.path(field)
        absent = paths.missing(one.document, path)
        conditions |= paths.standing(absent or path)
        if absent is not None:
            conditions[absent] = {"$exists": False}
    return conditions


def _assignments(place: Place, one: _Ready) -> dict[str, Any]:
    guard = {"$and": [_is(place.path(field), value) for field, value in one.read.items()]}
    whole: dict[str, dict[str, raw.Value]] = {}
    setting: dict[str, Any] = {}
    for field, value in one.new.items():
        path = place.path(field)
        absent = paths.missing(one.document, path)
        if absent is None:
            setting[path] = raw.literal(value)
        else:
            whole.setdefault(absent, {})[path.removeprefix(f"{absent}.")] = value
    for parent, members in whole.items():
        setting[parent] = raw.literal(raw.Value(bson_walk.DOCUMENT, paths.nested(members).raw))
    return {path: {"$cond": [guard, then, f"${path}"]} for path, then in setting.items()}


def _is(path: str, value: raw.Value | None) -> dict[str, Any]:
    return {"$eq": [{"$type": f"${path}"}, "missing"]} if value is None else raw.is_exactly(path, value)


async def revert(place: Place, kept: str, fields: Sequence[str], batch: int) -> None:
    """Give the old values back to every document that holds all its new ones, then drop the store."""

    async def restore(sides: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        # A record that was left alone has nothing to get back.
        requests: list[Any] = [
            UpdateOne(_standing_new(place, side), pipeline)
            for side in sides
            if (pipeline := _back(place, side, [field for field in fields_of(side) if field in fields]))
        ]
        # What was there before goes back although the rules of now may not admit it.
        await passes.write(place.collection, requests)
        return len(requests)

    async def border(_: int) -> None:
        return None

    passes = Passes(place.connections, batch, border)
    await place.writing(lambda: passes.once(side_collection(kept), {}, restore))
    await place.drop(kept)


def _standing_new(place: Place, side: bytes) -> dict[str, Any]:
    conditions: dict[str, Any] = {"_id": raw.key(raw.require(side, "_id"))}
    for field in fields_of(side):
        conditions |= paths.standing(place.path(field))
    return conditions


def _back(place: Place, side: bytes, fields: Sequence[str]) -> list[dict[str, Any]]:
    guard = {"$and": [_is(place.path(field), kept_value(side, "new", field)) for field in fields_of(side)]}
    setting: dict[str, Any] = {}
    for field in fields:
        path, old = place.path(field), kept_value(side, "old", field)
        then: Any = "$$REMOVE" if old is None else raw.literal(old)
        setting[path] = {"$cond": [guard, then, f"${path}"]}
    pipeline: list[dict[str, Any]] = [{"$set": setting}] if setting else []
    made = {raw.decoded(parent) for parent in _made(side)}
    ways = {parent for field in fields for parent in paths.parents(place.path(field))}
    # Of a made document everything below it was made as well; the innermost goes first.
    inner = [way for way in ways if any(way == parent or way.startswith(f"{parent}.") for parent in made)]
    for way in sorted(inner, reverse=True):
        empty = {"$eq": [f"${way}", {"$literal": EMPTY}]}
        pipeline.append({"$set": {way: {"$cond": [empty, "$$REMOVE", f"${way}"]}}})
    return pipeline
