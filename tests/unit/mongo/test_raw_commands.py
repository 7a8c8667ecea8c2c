"""Raw commands: the few that may be run are read, every other is refused with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.backends.mongo.render import raw_commands
from skill_server.errors import Invalid
from skill_server.model.action import UpdateValues
from skill_server.model.flow import Assignment, Expressions

EVERY = {"_id": {"$exists": True}}


def update(**words: Any) -> dict[str, Any]:
    """Return an update of every item."""
    return {"update": "item", "updates": [{"q": EVERY, "u": {"$set": {"a": 1}}, "multi": True, **words}]}


GOOD: dict[str, dict[str, Any]] = {
    "update": update(),
    "pipeline": update(u=[{"$set": {"a": "$b"}}]),
    "insert": {"insert": "item", "documents": [{"_id": {"$oid": "0123456789abcdef01234567"}}]},
    "delete": {"delete": "item", "deletes": [{"q": {"a": 1}, "limit": 0}]},
    "createIndexes": {"createIndexes": "item", "indexes": [{"key": {"a": 1}, "name": "a"}]},
    "dropIndexes": {"dropIndexes": "item", "index": "a"},
    "collMod": {"collMod": "item", "validationLevel": "off"},
    "create": {"create": "item", "capped": True, "size": 4096},
    "view": {"create": "v", "viewOn": "item", "pipeline": [{"$lookup": {"from": "other", "as": "o"}}]},
    "drop": {"drop": "v"},
}
BAD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "unknown": {"dropDatabase": 1},
    "aggregate": {"aggregate": "item", "pipeline": [], "cursor": {}},
    "findAndModify": {"findAndModify": "item", "query": EVERY, "update": {"$set": {"a": 1}}},
    "renameCollection": {"renameCollection": "a.item", "to": "a.other"},
    "no collection": {"update": 1, "updates": []},
    "empty collection": {"drop": ""},
    "other database": {"drop": "$cmd"},
    "ledger": {"drop": "database_migration.event"},
    "kept": {"delete": "database_migration_kept.entity_1", "deletes": [{"q": EVERY, "limit": 0}]},
    "system": {"insert": "system.js", "documents": [{"_id": "f"}]},
    "session": {**update(), "lsid": {"id": 1}},
    "transaction": {**update(), "txnNumber": 1},
    "write concern": {**update(), "writeConcern": {"w": 0}},
    "bypass": {**update(), "bypassDocumentValidation": True},
    "where": update(q={"$where": "sleep(1000)"}),
    "function": update(u=[{"$set": {"a": {"$function": {"body": "f", "args": [], "lang": "js"}}}}]),
    "accumulator": update(u=[{"$set": {"a": [{"$accumulator": {}}]}}]),
    "out": {"create": "v", "viewOn": "item", "pipeline": [{"$out": "other"}]},
    "merge": {"create": "v", "viewOn": "item", "pipeline": [{"$merge": {"into": "other"}}]},
    "view of the ledger": {"create": "v", "viewOn": "database_migration.event", "pipeline": []},
    "view joining the ledger": {
        "create": "v",
        "viewOn": "item",
        "pipeline": [{"$lookup": {"from": "database_migration.event", "as": "o"}}],
    },
    "empty query": update(q={}),
    "no query": {"update": "item", "updates": [{"u": {"$set": {"a": 1}}}]},
    "replacement": update(u={"a": 1}),
    "no change": update(u={}),
    "no stages": update(u=[]),
    "upsert": update(upsert=True),
    "no updates": {"update": "item", "updates": []},
    "updates of text": {"update": "item", "updates": ["x"]},
    "insert without key": {"insert": "item", "documents": [{"a": 1}]},
    "delete all": {"delete": "item", "deletes": [{"q": {}, "limit": 0}]},
    "delete without limit": {"delete": "item", "deletes": [{"q": EVERY}]},
    "index without name": {"createIndexes": "item", "indexes": [{"key": {"a": 1}}]},
    "drop every index": {"dropIndexes": "item", "index": "*"},
    "drop the index on _id": {"dropIndexes": "item", "index": "_id_"},
    "drop several indexes": {"dropIndexes": "item", "index": ["a", "b"]},
    "empty collMod": {"collMod": "item"},
    "view by collMod": {"collMod": "v", "viewOn": "other", "pipeline": []},
    "no extended JSON": {"insert": "item", "documents": [{"_id": {"$oid": "short"}}]},
}


@pytest.mark.parametrize("name", GOOD)
def test_a_command_of_the_few_is_read(name: str) -> None:
    """Authors get what the other changes cannot say, within bounds."""
    word, collection = next(iter(GOOD[name].items()))
    assert raw_commands.read(GOOD[name]) == (word, collection)


@pytest.mark.parametrize("name", BAD)
def test_every_other_command_is_refused_with_advice(name: str) -> None:
    """A raw command has the rights of the server that runs it, so nothing passes that was not thought of."""
    with pytest.raises(Invalid) as refusal:
        raw_commands.read(BAD[name])
    assert refusal.value.code == "raw-command-not-allowed"
    assert refusal.value.help.endswith(".")


@pytest.mark.parametrize(
    ("command", "repeatable"),
    [
        (update(), True),
        (update(u={"$unset": {"a": ""}, "$max": {"b": 1}}), True),
        (update(u={"$inc": {"a": 1}}), False),
        (update(u={"$set": {"a": 1}, "$push": {"b": 1}}), False),
        (update(u=[{"$set": {"a": {"$add": ["$a", 1]}}}]), False),
        (update(multi=False), False),
        ({"update": "item", "updates": update()["updates"] * 2}, False),
        (GOOD["delete"], True),
        ({"delete": "item", "deletes": [{"q": EVERY, "limit": 1}]}, False),
        (GOOD["createIndexes"], True),
    ],
)
def test_only_what_surely_may_be_done_twice_is_taken_for_it(
    command: dict[str, Any], repeatable: bool
) -> None:
    """The others run in a transaction with their mark."""
    assert raw_commands.is_repeatable(command) is repeatable


def test_what_deletes_is_known_before_it_runs() -> None:
    """A TTL index deletes as well as a delete."""
    expiring = {"createIndexes": "item", "indexes": [{"key": {"t": 1}, "name": "t", "expireAfterSeconds": 1}]}
    assert raw_commands.deletes(GOOD["delete"])
    assert raw_commands.deletes(expiring)
    assert not raw_commands.deletes(update())


NESTED: dict[str, Any] = {"$accumulator": {}}
FUNCTION: dict[str, Any] = {"$function": {"body": "f", "args": [], "lang": "js"}}


@pytest.mark.parametrize("written", [FUNCTION, {"$add": [NESTED, 1]}], ids=["outside", "inside"])
def test_an_expression_that_runs_code_on_the_server_is_refused(written: Any) -> None:
    """The review reads commands; an expression is put into a query only while records are read."""
    formula = Expressions(postgres={"a": "a"}, mongodb={"a": written})
    action = UpdateValues(entity="item", forward=Assignment(writes=("a",), formula=formula))
    with pytest.raises(Invalid) as refusal:
        raw_commands.require_plain(action)
    assert refusal.value.code == "expression-not-allowed"
