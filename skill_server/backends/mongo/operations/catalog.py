"""The operations on the catalog: one field of a validator, one index. Each may be done twice."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import ejson, validator
from skill_server.backends.mongo.operations.operations import DescribeField, DropIndex, EditRules
from skill_server.errors import Failed
from skill_server.model.base import JsonObject

INDEX_NOT_FOUND = 27
NAMESPACE_NOT_FOUND = 26


async def options_of(database: Any, collection: str) -> dict[str, Any] | None:
    """Return the options of a collection, or None where it is not there."""
    entries: list[dict[str, Any]] = await (
        await database.list_collections(filter={"name": collection})
    ).to_list(None)
    return dict(entries[0].get("options") or {}) if entries else None


async def describe_field(database: Any, operation: DescribeField) -> None:
    """Change what the collection's validator says of one field, leaving the rest as it stands.

    Raises:
        Failed: `validator-missing`; somebody took the validator away after the plan was made.
    """
    options = await options_of(database, operation.collection) or {}
    current = _require_validator(options, operation.collection)
    wanted = validator.described(
        current,
        operation.field,
        None if operation.describes_json is None else json.loads(operation.describes_json),
        place=operation.place,
        required=operation.required,
        required_place=operation.required_place,
    )
    level, action = options.get("validationLevel", "strict"), options.get("validationAction", "error")
    await _validate(database, operation.collection, current, wanted, level, action)


async def edit_rules(database: Any, operation: EditRules) -> None:
    """Change some words of what the collection's validator says of one field.

    Raises:
        Failed: `validator-missing`; somebody took the validator away after the plan was made.
    """
    options = await options_of(database, operation.collection) or {}
    if operation.alone:
        current: JsonObject = ejson.plain(options.get("validator") or {})
    else:
        current = _require_validator(options, operation.collection)
    wanted = validator.edited(
        current,
        operation.field,
        put=json.loads(operation.put_json),
        remove=operation.remove,
        required=operation.required,
        required_place=operation.required_place,
        forget=operation.forget,
        alone=operation.alone,
    )
    if not current:
        level, action = operation.level, operation.action
    elif not wanted:
        # What MongoDB takes where nothing is said.
        level, action = "strict", "error"
    else:
        level, action = options.get("validationLevel", "strict"), options.get("validationAction", "error")
    await _validate(database, operation.collection, current, wanted, level, action)


def _require_validator(options: dict[str, Any], collection: str) -> JsonObject:
    # Canonical text keeps every BSON type inside the validator; the pure edit only moves parts around.
    current: JsonObject = ejson.plain(options.get("validator") or {})
    if not current:
        raise Failed(
            "validator-missing",
            f"the validator of {collection} is gone",
            help="Find out who changed the collection, then plan again.",
        )
    return current


async def _validate(
    database: Any, collection: str, current: JsonObject, wanted: JsonObject, level: str, action: str
) -> None:
    if json.dumps(wanted) != json.dumps(current):
        await database.command(
            {
                "collMod": collection,
                "validator": ejson.loads(json.dumps(wanted)),
                # collMod without them would set both back to their defaults on some servers.
                "validationLevel": level,
                "validationAction": action,
            }
        )


async def create_index(connections: Connections, collection: str, definition: dict[str, Any]) -> None:
    """Build an index from its document; the server accepts the same definition twice and refuses a different one."""
    command = {"createIndexes": collection, "indexes": [definition]}
    await connections.db().command(await expiry.held(connections, command))


async def drop_index(database: Any, operation: DropIndex) -> None:
    """Drop an index by its name, or do nothing where it or its collection is gone."""
    from pymongo.errors import OperationFailure

    try:
        await database.command({"dropIndexes": operation.collection, "index": operation.name})
    except OperationFailure as error:
        if error.code not in {INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}:
            raise
