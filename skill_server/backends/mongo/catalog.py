"""The operations on the catalog: one field of a validator, one index. Each may be done twice."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo import ejson, validator
from skill_server.backends.mongo.operations import DescribeField, DropIndex
from skill_server.errors import Failed

INDEX_NOT_FOUND = 27
NAMESPACE_NOT_FOUND = 26


async def describe_field(database: Any, operation: DescribeField) -> None:
    """Change what the collection's validator says of one field, leaving the rest as it stands.

    Raises:
        Failed: `validator-missing`; somebody took the validator away after the plan was made.
    """
    entries: list[dict[str, Any]] = await (
        await database.list_collections(filter={"name": operation.collection})
    ).to_list(None)
    options: dict[str, Any] = dict(entries[0].get("options") or {}) if entries else {}
    # Canonical text keeps every BSON type inside the validator; the pure edit only moves parts around.
    current = ejson.plain(options.get("validator") or {})
    if not current:
        raise Failed(
            "validator-missing",
            f"the validator of {operation.collection} is gone",
            help="Find out who changed the collection, then plan again.",
        )
    wanted = validator.described(
        current,
        operation.field,
        None if operation.describes_json is None else json.loads(operation.describes_json),
        place=operation.place,
        required=operation.required,
        required_place=operation.required_place,
    )
    if json.dumps(wanted) != json.dumps(current):
        await database.command(
            {
                "collMod": operation.collection,
                "validator": ejson.loads(json.dumps(wanted)),
                # collMod without them would set both back to their defaults on some servers.
                "validationLevel": options.get("validationLevel", "strict"),
                "validationAction": options.get("validationAction", "error"),
            }
        )


async def create_index(database: Any, collection: str, definition: dict[str, Any]) -> None:
    """Build an index from its document; the server accepts the same definition twice and refuses a different one."""
    await database.command({"createIndexes": collection, "indexes": [definition]})


async def drop_index(database: Any, operation: DropIndex) -> None:
    """Drop an index by its name, or do nothing where it or its collection is gone."""
    from pymongo.errors import OperationFailure

    try:
        await database.command({"dropIndexes": operation.collection, "index": operation.name})
    except OperationFailure as error:
        if error.code not in {INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}:
            raise
