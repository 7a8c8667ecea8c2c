"""The few commands that an author may write, and what of each: read strictly, before a plan holds one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.schema import views
from skill_server.errors import Invalid
from skill_server.model.action import UpdateValues
from skill_server.model.base import JsonObject
from skill_server.model.flow import Expressions
from skill_server.model.ids import LEDGER_NAME

# Code on the server, and writing by way of a query (MongoDB manual, aggregation stages and query operators).
FORBIDDEN = frozenset({"$where", "$function", "$accumulator", "$out", "$merge", "mapReduce", "$eval"})
# What may stand in each command beside its name; session, transaction and write concern are the product's own.
WORDS: dict[str, frozenset[str]] = {
    "update": frozenset({"updates"}),
    "insert": frozenset({"documents"}),
    "delete": frozenset({"deletes"}),
    "createIndexes": frozenset({"indexes"}),
    "dropIndexes": frozenset({"index"}),
    "collMod": frozenset(
        {"validator", "validationLevel", "validationAction", "index", "changeStreamPreAndPostImages"}
    ),
    "create": frozenset(
        {"validator", "validationLevel", "validationAction", "collation", "capped", "size", "max"}
        | {"timeseries", "expireAfterSeconds", "clusteredIndex", "changeStreamPreAndPostImages"}
        | {"viewOn", "pipeline"}
    ),
    # Only of a view, or of a collection without documents (`run_raw`).
    "drop": frozenset(),
}
UPDATE_WORDS = frozenset({"q", "u", "multi", "arrayFilters", "collation", "hint"})
DELETE_WORDS = frozenset({"q", "limit", "collation", "hint"})
# Doing one of these twice leaves what doing it once left.
REPEATABLE = frozenset({"$set", "$unset", "$min", "$max", "$addToSet", "$pull", "$pullAll"})
EVERY_DOCUMENT = '{"_id": {"$exists": true}}'


def read(command: JsonObject) -> tuple[str, str]:
    """Return the name and the collection of a command that is fit to be run.

    Raises:
        Invalid: `raw-command-not-allowed`, with what to write instead.
    """
    name = next(iter(command), "")
    if name not in WORDS:
        _refuse(f"begins with {name or 'nothing'!r}", f"Begin it with one of {', '.join(WORDS)}.")
    collection: Any = command[name]
    if not isinstance(collection, str) or not collection or "$" in collection or "\x00" in collection:
        _refuse(f"{name} names no collection", "Write the name of the collection after the command's own.")
    _require_of_application(name, collection)
    extra = sorted(set(command) - WORDS[name] - {name})
    if extra:
        _refuse(f"{name} holds {', '.join(extra)}", f"Write only {', '.join(sorted(WORDS[name]))} beside it.")
    inside = sorted(set(_keys(command)) & FORBIDDEN)
    if inside:
        _refuse(f"{name} holds {', '.join(inside)}", "Say it without code on the server or a second target.")
    _PARTS[name](command)
    from bson.errors import BSONError

    try:
        ejson.loads(json.dumps(command))
    except (ValueError, TypeError, BSONError) as error:
        _refuse(f"{name} is no Extended JSON ({str(error)[:80]})", "Write its values as Extended JSON.")
    return name, collection


def require_plain(action: UpdateValues) -> None:
    """Refuse expressions of an update that run code on the server.

    Raises:
        Invalid: `expression-not-allowed`.
    """
    for assignment in (action.forward, action.backward):
        formula = assignment.formula if assignment is not None else None
        written = formula.mongodb if isinstance(formula, Expressions) else {}
        if inside := sorted(set(_keys(written)) & FORBIDDEN):
            raise Invalid(
                "expression-not-allowed",
                f"an aggregation expression of {action.entity} holds {', '.join(inside)}",
                help="Say it without code on the server.",
            )


def is_repeatable(command: Mapping[str, Any]) -> bool:
    """Tell whether doing a command twice surely leaves what doing it once left; else it needs a transaction."""
    updates = cast("list[Mapping[str, Any]]", command.get("updates", []))
    deletes = cast("list[Mapping[str, Any]]", command.get("deletes", []))
    # Of several updates the second may make documents match the first.
    return (
        len(updates) < 2
        and all(
            isinstance(part["u"], Mapping)
            and set(cast("Mapping[str, Any]", part["u"])) <= REPEATABLE
            and bool(part.get("multi"))
            for part in updates
        )
        and all(part.get("limit", 0) == 0 for part in deletes)
    )


def deletes(command: Mapping[str, Any]) -> bool:
    """Tell whether a command deletes documents, at once or by and by."""
    return "delete" in command or "expireAfterSeconds" in set(_keys(command))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inside in cast("Mapping[str, Any]", value).items():
            yield key
            yield from _keys(inside)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _keys(item)


def _objects(command: JsonObject, word: str, allowed: frozenset[str] | None = None) -> list[JsonObject]:
    parts: Any = command.get(word)
    if (
        not isinstance(parts, list)
        or not parts
        or not all(isinstance(part, dict) for part in cast("list[Any]", parts))
    ):
        _refuse(f"{word} is no list of objects", f"Write {word} as a list of at least one object.")
    found = cast("list[JsonObject]", parts)
    extra = sorted({key for part in found for key in part} - allowed) if allowed is not None else []
    if extra:
        _refuse(f"{word} holds {', '.join(extra)}", f"Write only {', '.join(sorted(allowed or ()))} there.")
    return found


def _query(part: JsonObject, word: str) -> None:
    if not isinstance(part.get("q"), dict) or not part["q"]:
        _refuse(
            f"{word} has no query q",
            f"Write which documents it is for, and {EVERY_DOCUMENT} for all of them.",
        )


def _update(command: JsonObject) -> None:
    for part in _objects(command, "updates", UPDATE_WORDS):
        _query(part, "updates")
        change = cast("Any", part.get("u"))
        operators = list(cast("dict[str, Any]", change)) if isinstance(change, dict) else []
        stages = cast("list[Any]", change) if isinstance(change, list) else []
        if not stages and not (operators and all(word.startswith("$") for word in operators)):
            # A replacement would drop every field that it does not name.
            _refuse("updates has no u of operators or stages", 'Write u as {"$set": …} or as a pipeline.')


def _insert(command: JsonObject) -> None:
    if any("_id" not in part for part in _objects(command, "documents")):
        _refuse(
            "a document to insert has no _id", "Give every document an _id, so that it is inserted only once."
        )


def _delete(command: JsonObject) -> None:
    for part in _objects(command, "deletes", DELETE_WORDS):
        _query(part, "deletes")
        if part.get("limit") not in (0, 1):
            _refuse("deletes has no limit", "Write limit 0 for all documents that match, or 1.")


def _create_indexes(command: JsonObject) -> None:
    for part in _objects(command, "indexes"):
        if not isinstance(part.get("name"), str) or not part["name"] or not part.get("key"):
            _refuse("an index has no name or key", "Give every index a name and a key.")


def _drop_indexes(command: JsonObject) -> None:
    index: Any = command.get("index")
    if not isinstance(index, str) or index in ("", "*", "_id_"):
        _refuse("dropIndexes names no index", "Name one index, other than the one on _id.")


def _modify(command: JsonObject) -> None:
    if len(command) < 2:
        _refuse("collMod changes nothing", "Say what it changes.")


def _create(command: JsonObject) -> None:
    if "viewOn" in command:
        for source in views.sources(command):
            _require_of_application("create", source)


def _drop(_command: JsonObject) -> None:
    """Accept it: what it would lose is only known when it runs."""


def _require_of_application(name: str, collection: str) -> None:
    if collection.startswith((LEDGER_NAME, "system.")):
        _refuse(f"{name} is for {collection}", "Change and read collections of the application only.")


_PARTS = {
    "update": _update,
    "insert": _insert,
    "delete": _delete,
    "createIndexes": _create_indexes,
    "dropIndexes": _drop_indexes,
    "collMod": _modify,
    "create": _create,
    "drop": _drop,
}


def _refuse(fact: str, help: str) -> NoReturn:
    raise Invalid("raw-command-not-allowed", f"a raw MongoDB command {fact}", help=help)
