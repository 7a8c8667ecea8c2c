"""Changes of every kind as their users live them: asked for, proven, approved, applied, verified and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skill_server.model import content as contents
from tests.support.clients import MODERN, over_stdio, who_applies
from tests.support.project import MODELS, Project, a_project, content
from tests.support.walking import Walk

CUT = """def cut(record):
    text = record["ItemDesc"]
    if text is None:
        return {"head": None, "rest": None}
    head, found, rest = text.partition(" ")
    return {"head": head, "rest": rest if found else None}"""
JOIN = """def join(record):
    if record["head"] is None:
        return {"ItemDesc": None}
    rest = record["rest"]
    return {"ItemDesc": record["head"] if rest is None else record["head"] + " " + rest}"""
GROWN: list[dict[str, Any]] = [
    {
        "kind": "add_entity",
        "entity": "labels",
        "fields": [
            {"name": "LabelID", "type": "Integer", "nullable": False},
            {"name": "ItemID", "type": "Integer", "nullable": False},
            {"name": "Words", "type": "String(40)", "default": "new"},
        ],
        "key": ["LabelID"],
    },
    {
        "kind": "add_relationship",
        "entity": "labels",
        "field": "ItemID",
        "references": "items",
        "references_field": "ItemID",
        "on_delete": "cascade",
        "index": "ix_labels_item",
    },
    {
        "kind": "split_field",
        "entity": "items",
        "field": "ItemDesc",
        "into": [{"name": "head", "type": "Text"}, {"name": "rest", "type": "Text"}],
        "function": CUT,
        "back_function": JOIN,
    },
    {
        "kind": "move_fields",
        "entity": "owners",
        "to": "items",
        "fields": [{"name": "Name", "type": "Text"}],
        "by": {"OwnerID": "OwnerID"},
    },
    {"kind": "require_field", "entity": "items", "field": "Price", "fill": "0"},
    {
        "kind": "add_check",
        "entity": "items",
        "name": "quantity_bounds",
        "field": "Quantity",
        "minimum": 0,
        "maximum": 100000,
    },
    {
        "kind": "add_index",
        "entity": "items",
        "name": "ix_some_owners",
        "fields": ["OwnerID"],
        "where": [{"field": "Quantity", "operator": ">", "value": 3}],
    },
]
SHRUNK: list[dict[str, Any]] = [
    {"kind": "rename_entity", "entity": "labels", "to": "tags"},
    {"kind": "drop_entity", "entity": "owners"},
    {
        "kind": "raw",
        "entity": "items",
        "postgres": ['UPDATE items SET "Quantity" = "Quantity" + 1'],
        "mongodb": [
            {
                "update": "item",
                "updates": [{"q": {"_id": {"$exists": True}}, "u": {"$inc": {"Quantity": 1}}, "multi": True}],
            }
        ],
        "undo_postgres": ['UPDATE items SET "Quantity" = "Quantity" - 1'],
        "undo_mongodb": [
            {
                "update": "item",
                "updates": [
                    {"q": {"_id": {"$exists": True}}, "u": {"$inc": {"Quantity": -1}}, "multi": True}
                ],
            }
        ],
    },
]
LABEL = '''

class Label(Base):
    """A word on an item."""

    __tablename__ = "labels"

    LabelID: Mapped[int] = mapped_column(Integer, primary_key=True)
    ItemID: Mapped[int] = mapped_column(Integer, ForeignKey("items.ItemID", ondelete="CASCADE"))
    Words: Mapped[str | None] = mapped_column(String(40), server_default="new")
'''
DESCRIPTION = "    ItemDesc: Mapped[str | None] = mapped_column(Text)\n"
PARTS = "".join(
    f"    {name}: Mapped[str | None] = mapped_column(Text)\n" for name in ("head", "rest", "Name")
)
OWNER_NAME = "    Name: Mapped[str] = mapped_column(Text, unique=True)\n"


def grown_models() -> str:
    """Return the models as they are after the first migration."""
    models = MODELS.replace(OWNER_NAME, "").replace(DESCRIPTION, PARTS)
    return models.replace("Price: Mapped[str | None]", "Price: Mapped[str]") + LABEL


def shrunk_models() -> str:
    """Return the models as they are after the second migration."""
    models = grown_models()
    owner = models[models.index("class Owner") : models.index("class Item(")]
    models = models.replace(owner, "").replace('"labels"', '"tags"')
    return models.replace(', ForeignKey("owners.OwnerID", ondelete="CASCADE")', "")


async def one_label(project: Project) -> None:
    """Write a record to the new entity, as the application does once it is there."""
    await project.on_postgres("""INSERT INTO labels VALUES (7, 1, 'écrit')""")
    database = project.on_mongodb()
    await database["labels"].insert_one({"LabelID": 7, "ItemID": 1, "Words": "écrit"})
    await database.client.close()


async def names_of_items(project: Project) -> tuple[list[Any], list[Any]]:
    """Return what both databases hold in the fields that were split off and moved."""
    rows = await project.on_postgres('SELECT head, rest, "Name", "Price" FROM items ORDER BY "ItemID"')
    database = project.on_mongodb()
    documents = await database["item"].find({}).sort("ItemID", 1).to_list(None)
    await database.client.close()
    fields = ("head", "rest", "Name", "Price")
    return [tuple(row.values()) for row in rows], [
        tuple(each.get(field) for field in fields) for each in documents
    ]


@pytest.mark.timeout(150)
async def test_entities_fields_values_and_rules_go_up_and_down_again(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two migrations of all kinds through a real client; what was written meanwhile is kept, and nothing is lost."""
    person = who_applies()
    async with (
        a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app),
        over_stdio(project.environment, MODERN, person) as client,
    ):
        walk = Walk(client, project, person)
        await walk.called("detect_db_type")
        before = await content(app)

        first = await walk.written("Grow", GROWN, acknowledge={"Name": "It goes on in items."})
        told = await walk.called("review_migration", revision=first)
        named = {finding["message"] for finding in told["findings"] if finding["rule"].startswith("models-")}
        assert "no model declares the entity labels" in named
        project.models.write_text(grown_models())
        await walk.reviewed(first)
        shown = await walk.ended("run_upgrade", revision=first)
        question = shown["plan"]["question"].splitlines()
        (cut,) = [line for line in question if "def cut(record)" in line]
        assert cut.startswith("Runs on postgres items, mongodb items: def cut(record):\\u000a")
        assert not any(": nothing" in line for line in question)
        rows, documents = await names_of_items(project)
        assert rows == documents
        assert rows[0] == ("", None, "owner 2", "0012.50")
        assert rows[3][:2] == (None, None)
        await one_label(project)
        grown = await content(app)

        second = await walk.written("Shrink", SHRUNK, acknowledge={"owners": "It is a word of the language."})
        told = await walk.called("review_migration", revision=second)
        assert {"unknown-effect", "deletes-data"} <= {finding["rule"] for finding in told["findings"]}
        refused = await walk.called("run_upgrade", plan_id=told["plan_id"])
        assert {"contract_is_kept", "models_match_the_plan"} <= set(refused["missing"])
        project.models.write_text(shrunk_models())
        await walk.reviewed(second)
        shown = await walk.ended("run_upgrade", revision=second)
        question = shown["plan"]["question"]
        assert 'Runs on postgres items: UPDATE items SET "Quantity"' in question
        assert 'hide the table "public"."owners"' in question.splitlines()[2]
        retired = (await walk.called("migration_status"))["retired"]
        assert [line["records"] for line in retired if line["revision"] == second] == [3, 3]
        assert await project.on_postgres('SELECT "Words" FROM tags') == [{"Words": "écrit"}]

        project.models.write_text(grown_models())
        await walk.ended("run_downgrade", revision=second)
        after = await content(app)
        assert after[0] == grown[0]
        assert contents.compare(grown[1], after[1]) == ()

        project.models.write_text(MODELS)
        await walk.ended("run_downgrade", revision=first)
        after = await content(app)
        assert after[0] == before[0]
        assert contents.compare(before[1], after[1]) == ()
        aside = (await walk.called("migration_status"))["retired"]
        assert [line["records"] for line in aside if line["revision"] is None and line["records"]] == [1, 1]
