"""Rules for fields on a real server: required, allowed to be empty, bounded, listed; and references."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo.errors import WriteError

from skill_server.errors import Refused
from skill_server.model.action import (
    Action,
    AddConstraint,
    CheckSpec,
    ReferenceSpec,
    RetireConstraint,
    SetDefault,
    SetNullable,
)
from skill_server.model.rule import Rule
from tests.contract.mongo.test_undo import fill
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps


def check(field: str, **rule: Any) -> AddConstraint:
    """Return the action that adds a rule for a field of the items."""
    spec = CheckSpec(field=field, rule=Rule(**rule))
    return AddConstraint(entity="item", name=f"{field}_rule", spec=spec)


REQUIRED = SetNullable(entity="item", field="ItemDesc", nullable=False)
ACTIONS: dict[str, Action] = {
    "required": REQUIRED,
    "minimum": check("n", minimum=0, maximum=100),
    "lengths": check("ItemDesc", min_length=1, max_length=60),
    "pattern": check("price", pattern=r"^\d+\.\d\d?$".replace(r"\d", "[0-9]")),
    "list": check("ItemName", one_of=("Hammer", "", "Saw", "Nail", "Screw", "Bolt", "Nut")),
}
RULED: dict[str, Any] = {
    "$jsonSchema": {
        "required": ["_id", "kind", "n"],
        "properties": {
            "kind": {"enum": ["a", "b"], "description": "which", "bsonType": "string"},
            "n": {"maximum": 9, "bsonType": ["int", "double"]},
            "x": {"not": {"bsonType": "null"}},
            "code": {"bsonType": "string", "maxLength": 3, "pattern": "^[a-z]"},
        },
    }
}


async def up_again_and_down(here: Place, action: Action) -> None:
    """Run an action up, again, and down, and compare what is there."""
    before = await here.content()
    pieces = await here.pieces(action)
    await here.up(action, pieces)
    up = await here.content()
    assert up.documents == before.documents
    assert up.fingerprint != before.fingerprint
    for step in steps(action, pieces):
        await here.backend.journal.forget(PLAN_UP)
        await here.backend.run(PLAN_UP, [step], POLICY)
    assert await here.content() == up
    await here.down(action, pieces)
    assert await here.content() == before
    for step in reversed(steps(action, pieces)):
        await here.backend.run("d" * 32, [step.reversed()], POLICY)
    assert await here.content() == before
    await here.up(action, pieces, plan="c" * 32)
    assert await here.content() == up


@pytest.mark.parametrize("validated", [False, True], ids=["open", "closed_validator"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_a_rule_comes_and_goes_without_a_trace(mongo_database: str, name: str, validated: bool) -> None:
    """Where there was no validator there is none afterwards, and where there was one it says the same again."""
    async with place(mongo_database) as here:
        await fill(here, validated=validated)
        await up_again_and_down(here, ACTIONS[name])


@pytest.mark.parametrize(
    "action",
    [
        SetNullable(entity="ruled", field="kind", nullable=True),
        SetNullable(entity="ruled", field="n", nullable=True),
        SetNullable(entity="ruled", field="x", nullable=True),
        SetNullable(entity="ruled", field="code", nullable=True),
        SetNullable(entity="ruled", field="code", nullable=False),
        RetireConstraint(entity="ruled", name="kinds", of="check", field="kind"),
        RetireConstraint(entity="ruled", name="most", of="check", field="n"),
        RetireConstraint(entity="ruled", name="codes", of="check", field="code"),
    ],
    ids=lambda action: f"{action.kind}-{action.field}-{getattr(action, 'nullable', '')}",
)
async def test_a_rule_that_is_there_goes_and_comes_back(mongo_database: str, action: Action) -> None:
    """Every word of the description is in its place again, the required fields in their order."""
    async with place(mongo_database) as here:
        await here.database.create_collection("ruled", validator=RULED, validationAction="warn")
        await here.database["ruled"].insert_one({"_id": 1, "kind": "a", "n": 1, "x": 2, "code": "ab"})
        await up_again_and_down(here, action)


async def test_a_required_field_refuses_null_and_missing_and_lists_those_that_have_none(
    mongo_database: str,
) -> None:
    """Both are an empty field in PostgreSQL."""
    async with place(mongo_database) as here:
        item = here.database["item"]
        await item.insert_many([{"_id": 1, "a": [None]}, {"_id": 2, "a": None}, {"_id": 3}])
        action = SetNullable(entity="item", field="a", nullable=False)
        pieces = await here.pieces(action)
        found = await here.backend.probe(pieces[0].up.before[0])
        assert (found.count, found.keys) == (2, ("2", "3"))
        await item.delete_many({"_id": {"$in": [2, 3]}})
        await here.up(action, pieces)
        for refused in ({"a": None}, {}):
            with pytest.raises(WriteError):
                await item.insert_one(dict(refused))
        await item.insert_one({"a": "x"})


async def test_allowing_null_lists_on_the_way_back_what_came_meanwhile(mongo_database: str) -> None:
    """Documents written without a value stay, and nobody is told a requirement that does not hold."""
    async with place(mongo_database) as here:
        await here.database.create_collection("ruled", validator=RULED)
        action = SetNullable(entity="ruled", field="kind", nullable=True)
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        ruled = here.database["ruled"]
        await ruled.insert_many([{"_id": 1, "n": 1, "kind": None}, {"_id": 2, "n": 1}])
        await ruled.insert_one({"_id": 3, "n": 1, "kind": "b"})
        assert pieces[0].down is not None
        found = await here.backend.probe(pieces[0].down.before[0])
        assert (found.count, found.keys) == (2, ("1", "2"))


@pytest.mark.parametrize(
    ("action", "good", "bad"),
    [
        (check("v", minimum=1, maximum=2.5), [1, 2.5, Int64(2), None], [0, 2.6, Int64(3)]),
        (check("v", one_of=("a", "b")), ["a", "b", None], ["c", "A"]),
        (check("v", one_of=(1, 2)), [1, 2.0, Int64(1), None], [3]),
        (check("v", min_length=2, max_length=3), ["äö", "漢字漢"], ["ä", "four"]),
        (check("v", pattern="^a.c$"), ["abc", "a\nc"], ["abc\n", "xabc"]),
    ],
    ids=["bounds", "list", "numbers", "lengths", "pattern"],
)
async def test_a_rule_means_what_it_means_in_postgresql(
    mongo_database: str, action: AddConstraint, good: list[Any], bad: list[Any]
) -> None:
    """The same rule on both databases admits the same values; those that break it are listed before."""
    async with place(mongo_database) as here:
        item = here.database["item"]
        await item.insert_many([{"_id": f"good {at}", "v": value} for at, value in enumerate(good)])
        await item.insert_many([{"_id": f"bad {at}", "v": value} for at, value in enumerate(bad)])
        pieces = await here.pieces(action)
        found = await here.backend.probe(pieces[0].up.before[0])
        assert (found.count, found.keys) == (len(bad), tuple(f"bad {at}" for at in range(len(bad))))
        await item.delete_many({"_id": {"$regex": "^bad"}})
        await here.up(action, pieces)
        for value in bad:
            with pytest.raises(WriteError):
                await item.insert_one({"v": value})
        for value in good:
            await item.insert_one({"v": value})


async def test_two_rules_of_one_migration_live_in_one_validator(mongo_database: str) -> None:
    """Each is rendered on a schema that does not know the other; undone in turn they leave nothing."""
    first, second = check("n", minimum=0), check("ItemName", max_length=60)
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        before = await here.content()
        rendered = [(action, await here.pieces(action)) for action in (first, REQUIRED, second)]
        for number, (action, pieces) in enumerate(rendered):
            await here.up(action, pieces, plan=str(number) * 32)
        item = here.database["item"]
        for refused in ({"n": -1, "ItemDesc": "x"}, {"n": 1}, {"ItemName": "x" * 61, "ItemDesc": "x"}):
            with pytest.raises(WriteError):
                await item.insert_one(dict(refused))
        for number, (action, pieces) in enumerate(reversed(rendered)):
            await here.down(action, pieces, plan=str(number + 5) * 32)
        assert await here.content() == before


@pytest.mark.parametrize("validated", [False, True], ids=["open", "closed_validator"])
async def test_a_rule_is_removed_as_a_change_of_its_own(mongo_database: str, validated: bool) -> None:
    """An author may list the undo of an earlier migration as a new one, and undo that again."""
    action = check("n", minimum=0)
    async with place(mongo_database) as here:
        await fill(here, validated=validated)
        before = await here.content()
        await here.up(action, await here.pieces(action))
        ruled = await here.content()
        undone = action.inverse()
        pieces = await here.pieces(undone)
        await here.up(undone, pieces, plan="1" * 32)
        assert await here.content() == before
        await here.down(undone, pieces, plan="2" * 32)
        assert await here.content() == ruled


async def test_what_the_validator_says_otherwise_already_is_refused(mongo_database: str) -> None:
    """Two bounds of one kind cannot both stand, and the older must not go without a word."""
    async with place(mongo_database) as here:
        await here.database.create_collection("item", validator=RULED)
        with pytest.raises(Refused) as refusal:
            await here.pieces(check("n", maximum=5))
        assert refusal.value.code == "constraint-exists"
        with pytest.raises(Refused) as refusal:
            await here.pieces(check("kind", minimum=5).inverse())
        assert refusal.value.code == "constraint-missing"
        for idle in (check("n", maximum=9), check("code", max_length=20)):
            (piece,) = await here.pieces(idle)
            assert (piece.up.statements, piece.up.summary[:7]) == ((), "nothing")


async def test_orphans_are_found_by_value_whatever_the_type_of_number(mongo_database: str) -> None:
    """MongoDB watches over no reference, so the question is all there is."""
    spec = ReferenceSpec(field="parent", references="shelf", references_field="code")
    action = AddConstraint(entity="item", name="on_shelf", spec=spec)
    key = ObjectId("0123456789abcdef01234567")
    parents: list[Any] = [1, Int64(2), 3.0, Decimal128("4"), "x", key, False, [1, "x"], None]
    orphans: list[Any] = [5, "X", ObjectId(), True, [1, 5], {"b": 1, "a": 1}]
    async with place(mongo_database) as here:
        await here.database["shelf"].insert_many(
            [{"code": code} for code in (1.0, 2, Int64(3), 4, "x", key, False, None, {"a": 1, "b": 1})]
        )
        await here.database["item"].insert_many(
            [{"_id": f"good {at}", "parent": value} for at, value in enumerate(parents)]
        )
        await here.database["item"].insert_many([{"_id": "none"}])
        (piece,) = await here.pieces(action)
        await here.up(action, (piece,))
        await here.down(action, (piece,))
        assert piece.down is not None
        assert (piece.up.statements, piece.down.statements) == ((), ())
        await here.database["item"].insert_many(
            [{"_id": f"bad {at}", "parent": value} for at, value in enumerate(orphans)]
        )
        for probe in (*piece.up.before, *piece.up.after):
            found = await here.backend.probe(probe)
            assert found.keys == tuple(f"bad {at}" for at in range(len(orphans)))


async def test_what_mongodb_has_no_word_for_does_nothing_and_says_so(mongo_database: str) -> None:
    """Both databases are covered by every migration, also where one of them has nothing to do."""
    idle: list[Action] = [
        SetDefault(entity="item", field="n", default=1),
        SetNullable(entity="item", field="_id", nullable=False),
        SetNullable(entity="item", field="n", nullable=True),
        RetireConstraint(entity="item", name="x", of="reference", field="n"),
        RetireConstraint(entity="item", name="x", of="check", field="n"),
    ]
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        before = await here.content()
        for number, action in enumerate(idle):
            (piece,) = await here.pieces(action)
            assert piece.down is not None
            assert piece.up.summary.startswith("nothing")
            assert (piece.up.statements, piece.down.statements) == ((), ())
            await here.up(action, (piece,), plan=str(number) * 32)
        assert await here.content() == before
