"""What leans on a table or a column, one test per kind: refused by name where it cannot follow, else left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.errors import Refused
from skill_server.model import action as actions
from skill_server.model.action import Action
from tests.contract.postgres.undo import Place

GROUND = """
CREATE TABLE part (id integer PRIMARY KEY, code text UNIQUE, amount integer, word text);
CREATE TABLE other (id integer PRIMARY KEY, code text);
INSERT INTO part VALUES (1, 'a', 1, 'x');
"""
# Each kind: what makes it lean on the table `part` and, where that is possible, on its column `code`.
LEANING: dict[str, str] = {
    "view": "CREATE VIEW leaning AS SELECT code FROM part",
    "materialized view": "CREATE MATERIALIZED VIEW leaning AS SELECT code FROM part",
    "policy": "CREATE POLICY leaning ON other USING (EXISTS (SELECT FROM part WHERE part.code = other.code))",
    "rule": "CREATE RULE leaning AS ON INSERT TO other DO ALSO UPDATE part SET code = NEW.code",
    "function": "CREATE FUNCTION leaning() RETURNS bigint LANGUAGE sql AS 'SELECT count(code) FROM part'",
    "function of rows": "CREATE FUNCTION leaning(p part) RETURNS text LANGUAGE sql AS 'SELECT p.code'",
    "function in SQL": "CREATE FUNCTION leaning() RETURNS bigint BEGIN ATOMIC SELECT count(code) FROM part; END",
    "procedure": "CREATE PROCEDURE leaning() LANGUAGE plpgsql AS 'BEGIN DELETE FROM Part WHERE CODE = NULL; END'",
    "trigger function": "CREATE FUNCTION leaning() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN UPDATE part SET code = NEW.code; RETURN NEW; END $$; "
    "CREATE TRIGGER other_leaning AFTER UPDATE ON other FOR EACH ROW EXECUTE FUNCTION leaning()",
    "publication": "CREATE PUBLICATION leaning FOR TABLE part",
}
WHOLE: dict[str, Action] = {
    "retire": actions.RetireEntity(entity="part"),
    "rename": actions.RenameEntity(entity="part", to="piece"),
    "move": actions.MoveEntity(entity="part", was="public", to="archive"),
}
# A text that names the table is all that a rename or a move breaks.
BY_NAME = {"function", "function of rows", "procedure", "trigger function", "publication"}


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds one table to lean on."""
    made = Place(postgres_database)
    await made.execute(GROUND)
    yield made


async def refusal_of(place: Place, action: Action) -> Refused | None:
    """Return how an action is refused; None where it is not, after it went up and down."""
    try:
        pieces = await place.pieces(action)
    except Refused as refusal:
        return refusal
    before = (await place.backend.inspect()).fingerprint
    await place.up(action, pieces)
    await place.down(action, pieces)
    assert (await place.backend.inspect()).fingerprint == before
    return None


@pytest.mark.parametrize("kind", LEANING)
async def test_a_table_that_something_leans_on_is_hidden_renamed_or_moved_only_where_that_follows(
    place: Place, kind: str
) -> None:
    """Everything that would go on using a hidden table, or look for a name that is gone, is named."""
    await place.execute(LEANING[kind])
    for word, action in WHOLE.items():
        refusal = await refusal_of(place, action)
        if word == "retire" or kind in BY_NAME:
            assert refusal is not None, word
            assert refusal.code == "entity-has-dependents"
            assert "leaning" in refusal.message
        else:
            assert refusal is None, word


@pytest.mark.parametrize("kind", [kind for kind in LEANING if kind != "publication"])
async def test_a_column_that_something_leans_on_is_not_hidden_and_renamed_only_where_that_follows(
    place: Place, kind: str
) -> None:
    """A view follows a rename; the text of a function does not."""
    await place.execute(LEANING[kind])
    hidden = await refusal_of(place, actions.RetireField(entity="part", field="code"))
    assert hidden is not None
    assert "leaning" in hidden.message
    renamed = await refusal_of(place, actions.RenameField(entity="part", field="code", to="mark"))
    assert (renamed is not None) is (kind in BY_NAME)
    # Nothing names the column `word`.
    assert await refusal_of(place, actions.RenameField(entity="part", field="word", to="phrase")) is None
    assert await refusal_of(place, actions.RetireField(entity="part", field="word")) is None


# What leans on the column by being part of the same table, which a hidden table takes along.
OWN: dict[str, tuple[str, bool]] = {
    "generated column": (
        "ALTER TABLE part ADD COLUMN twice integer GENERATED ALWAYS AS (amount * 2) STORED",
        True,
    ),
    "policy": ("CREATE POLICY own ON part USING (amount > 0)", True),
    "trigger": (
        "CREATE TRIGGER own BEFORE UPDATE OF amount ON part FOR EACH ROW WHEN (OLD.amount > 0) "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        True,
    ),
    "statistics object": ("CREATE STATISTICS own ON amount, word FROM part", False),
    "column privileges": ("GRANT SELECT (amount) ON part TO PUBLIC", False),
    "comment on column": ("COMMENT ON COLUMN part.amount IS 'own'", False),
}


@pytest.mark.parametrize("kind", OWN)
async def test_what_belongs_to_the_table_goes_along_with_it(place: Place, kind: str) -> None:
    """A hidden table is used by nobody, so its own policies and triggers cannot break anything."""
    statement, holds = OWN[kind]
    await place.execute(statement)
    for action in WHOLE.values():
        assert await refusal_of(place, action) is None
    hidden = await refusal_of(place, actions.RetireField(entity="part", field="amount"))
    assert (hidden is not None) is holds
    assert await refusal_of(place, actions.RenameField(entity="part", field="amount", to="many")) is None


async def test_an_inbound_foreign_key_is_dropped_and_comes_back(place: Place) -> None:
    """With CASCADE it would go on deleting rows of a table that nobody sees."""
    await place.execute(
        "ALTER TABLE other ADD CONSTRAINT inbound FOREIGN KEY (code) REFERENCES part (code) ON DELETE CASCADE",
        "COMMENT ON CONSTRAINT inbound ON other IS 'kept'",
    )
    action = WHOLE["retire"]
    pieces = await place.pieces(action)
    before = (await place.backend.inspect()).fingerprint
    await place.up(action, pieces)
    assert await place.value("SELECT count(*) FROM pg_constraint WHERE conname = 'inbound'") == 0
    await place.down(action, pieces)
    assert (await place.backend.inspect()).fingerprint == before


async def test_a_publication_of_all_tables_stands_in_nobodys_way(place: Place) -> None:
    """It names no table, and such a publication is in every database whose changes are captured."""
    await place.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    for action in WHOLE.values():
        assert await refusal_of(place, action) is None


async def test_a_function_that_names_another_table_stands_in_nobodys_way(place: Place) -> None:
    """A word that only contains the name is not the name."""
    await place.execute(
        "CREATE TABLE parts (id integer, code text)",
        "CREATE FUNCTION apart() RETURNS bigint LANGUAGE sql AS 'SELECT count(code) FROM parts'",
    )
    for action in WHOLE.values():
        assert await refusal_of(place, action) is None
