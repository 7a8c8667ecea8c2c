"""What may happen to the values of a table in a backup: every kind of it changes the sum of its own field."""

from __future__ import annotations

from typing import NamedTuple

from skill_server.backends.postgres.connection import Connections
from skill_server.model.content import WHOLE
from tests.contract.postgres.sample import execute, sums

COLUMNS = """
    label text, code varchar(20), padded char(6), amount numeric(20, 4), whole bigint, weight double precision,
    small real, seen timestamptz, local timestamp, day date, plain json, facts jsonb, raw bytea, tags text[],
    flag boolean, cost money, span interval"""
# Values at the edge of what a cast or a driver would round, trim or normalise away.
ROWS = """
    ('ä long label, longer than a cut would leave it', 'c1', 'ab', 12345678901234.0001, 9007199254740993, 0.1,
     0.1, '2024-03-31 01:30:00.000001+00', '2024-03-31 02:30:00', '2024-02-29', '{"a": 1, "b": 2}', '{"a": 1, "b": 2}',
     '\\x00ff10', ARRAY['x', NULL, ''], true, '12.34', '1 mon 30 days'),
    ('', '', '', 0, 0, 0, 0, '1999-12-31 23:59:59+00', '1999-12-31 23:59:59', '0001-01-01 BC', '{}', '{}',
     '', '{}', false, '0', '0'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('twin', 'twin', 'twin', 1, 1, 1, 1, '2020-01-01Z', '2020-01-01', '2020-01-01', '[]', '[]', '\\x01',
     '{t}', true, '1', '1 h'),
    ('twin', 'twin', 'twin', 1, 1, 1, 1, '2020-01-01Z', '2020-01-01', '2020-01-01', '[]', '[]', '\\x01',
     '{t}', true, '1', '1 h')"""
NAMES = "label, code, padded, amount, whole, weight, small, seen, local, day, plain, facts, raw, tags, flag, cost, span"
EVERY = frozenset(NAMES.split(", "))


class Mutant(NamedTuple):
    """A way in which the rows are not those of the source, and the fields that must be named for it."""

    name: str
    statement: str
    changed: frozenset[str]


def of(field: str, name: str, value: str, where: str = "n = 1") -> Mutant:
    """Return the mutant that has another value in one field."""
    return Mutant(f"{field}: {name}", f"UPDATE items SET {field} = {value} WHERE {where}", frozenset({field}))


def swapped(field: str) -> Mutant:
    """Return the mutant in which two rows have exchanged one value."""
    statement = (
        f"UPDATE items AS t SET {field} = o.{field} FROM items AS o WHERE t.n IN (1, 2) AND o.n = 3 - t.n"
    )
    return Mutant(f"{field}: two rows swap values", statement, frozenset({field}))


SWAPS = tuple(swapped(field) for field in NAMES.split(", "))
MUTANTS = (
    of("label", "one bit", "overlay(label placing 'm' from 3)"),
    of("label", "truncated", "left(label, 40)"),
    of("label", "null instead of empty", "NULL", "n = 2"),
    of("label", "empty instead of null", "''", "n = 3"),
    of("label", "a space at the end", "label || ' '"),
    of("label", "the same letter, composed differently", "normalize(label, NFD)"),
    of("code", "a space at the end", "code || ' '"),
    of("padded", "truncated", "'a'"),
    of("amount", "one unit in the last place", "amount + 0.0001"),
    of("whole", "through a float", "whole - 1"),
    of("weight", "one unit in the last place", "weight + 1.4e-17"),
    of("weight", "negative zero", "'-0'", "n = 2"),
    of("weight", "not a number", "'NaN'", "n = 2"),
    of("small", "one unit in the last place", "'0.10000001'"),
    of("seen", "another time zone", "seen + interval '1 h'"),
    of("seen", "one microsecond", "seen - interval '1 microsecond'"),
    of("local", "one hour of daylight saving", "local + interval '1 h'"),
    of("day", "one day", "day + 1"),
    of("day", "another era", "'0001-01-01'", "n = 2"),
    of("plain", "the order of keys", """'{"b": 2, "a": 1}'"""),
    of("plain", "a space", """'{"a":1, "b": 2}'"""),
    of("facts", "a number as text", """'{"a": "1", "b": 2}'"""),
    of("facts", "null instead of missing", """'{"a": 1, "b": 2, "c": null}'"""),
    of("facts", "JSON's null instead of SQL's", "'null'", "n = 3"),
    of("facts", "a trailing zero", """'{"a": 1.0, "b": 2}'"""),
    of("raw", "one bit", "set_bit(raw, 3, 1 - get_bit(raw, 3))"),
    of("raw", "a leading zero byte lost", "substring(raw from 2)"),
    of("raw", "null instead of empty", "NULL", "n = 2"),
    of("tags", "null instead of empty text", "ARRAY['x', '', '']"),
    of("tags", "an element lost", "ARRAY['x', NULL]"),
    of("tags", "the word for null", "ARRAY['x', 'NULL', '']"),
    of("flag", "the other one", "NOT flag"),
    of("cost", "one cent", "cost + '0.01'"),
    of("span", "a month for thirty days", "'2 mons'"),
    *SWAPS,
)
# A number that stays where its row was replaced is no difference of its own.
SAME_NUMBER = Mutant(
    "a row lost and another one twice",
    f"DELETE FROM items WHERE n = 2; INSERT INTO items (n, {NAMES}) SELECT 2, {NAMES} FROM items WHERE n = 1",
    EVERY,
)
WITH_ROWS = (
    Mutant("two equal rows lost", "DELETE FROM items WHERE n IN (4, 5)", EVERY),
    Mutant("a row twice", f"INSERT INTO items (n, {NAMES}) SELECT 6, {NAMES} FROM items WHERE n = 1", EVERY),
    SAME_NUMBER,
)


async def fill(url: str, *, key: str = "", mutant: Mutant | None = None) -> None:
    """Make the table anew with the same rows, and do to them what a mutant does."""
    await execute(
        url,
        f"DROP TABLE IF EXISTS items; CREATE TABLE items (n int GENERATED BY DEFAULT AS IDENTITY {key}, {COLUMNS});"
        f"INSERT INTO items ({NAMES}) VALUES {ROWS}; {mutant.statement if mutant else ''}",
    )


async def missed(url: str, mutants: tuple[Mutant, ...], *, key: str = "") -> dict[str, frozenset[str]]:
    """Return the fields of each mutant whose sums differ from the source's, where they are not the expected ones."""
    connections = Connections(url)
    await fill(url, key=key)
    source = (await sums(connections)).entities["items"].fields
    # Equal rows made anew give equal sums, so that what differs below is the mutant's doing.
    await fill(url, key=key)
    assert (await sums(connections)).entities["items"].fields == source
    found: dict[str, frozenset[str]] = {}
    for mutant in mutants:
        await fill(url, key=key, mutant=mutant)
        copy = (await sums(connections)).entities["items"].fields
        differs = frozenset(
            name for name in source.keys() | copy.keys() if source.get(name) != copy.get(name)
        )
        if differs != mutant.changed:
            found[mutant.name] = differs
    return found


async def test_every_mutant_of_a_table_with_a_key_is_found_and_named_at_its_field(
    postgres_database: str,
) -> None:
    """A checksum that overlooks one kind of damage would call a damaged backup proven."""
    lost = tuple(
        mutant._replace(changed=EVERY | {"n"}) if mutant is not SAME_NUMBER else mutant
        for mutant in WITH_ROWS
    )

    assert await missed(postgres_database, (*MUTANTS, *lost), key="PRIMARY KEY") == {}


async def test_every_mutant_of_a_table_without_key_is_found_and_named_at_its_field(
    postgres_database: str,
) -> None:
    """Without a key the rows are a multiset: a swap shows in whole rows alone, everything else in its field too."""
    changes = tuple(
        mutant._replace(changed=(frozenset() if mutant in SWAPS else mutant.changed) | {WHOLE})
        for mutant in MUTANTS
    )
    lost = tuple(
        mutant._replace(changed=EVERY | {WHOLE, *(() if mutant is SAME_NUMBER else ("n",))})
        for mutant in WITH_ROWS
    )

    assert await missed(postgres_database, (*changes, *lost)) == {}


async def test_what_the_server_itself_makes_equal_is_no_difference(postgres_database: str) -> None:
    """There is no order of keys in jsonb and no space at the end of char(n), so a restore is not blamed for either."""
    same = (
        Mutant("jsonb: the order of keys", """UPDATE items SET facts = '{"b":2, "a":1}' WHERE n = 1""", frozenset()),
        Mutant("char(n): spaces at the end", "UPDATE items SET padded = 'ab    ' WHERE n = 1", frozenset()),
        Mutant("numeric: another way to write it", "UPDATE items SET amount = 0.000 WHERE n = 2", frozenset()),
        Mutant("timestamptz: another zone", "UPDATE items SET seen = '2020-01-01 01:00+01' WHERE n = 4", frozenset()),
    )  # fmt: skip

    assert await missed(postgres_database, same, key="PRIMARY KEY") == {}
