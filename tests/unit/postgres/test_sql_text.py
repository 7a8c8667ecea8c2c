"""How names, values and definitions are written and read, without a server."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.identifiers import quoted, retired, table
from skill_server.backends.postgres.literals import literal, text_literal
from skill_server.backends.postgres.schema import definitions, types
from skill_server.backends.postgres.schema.spelling import normalised, normalised_function, normalised_view
from skill_server.errors import Invalid
from skill_server.model.base import Json
from skill_server.model.logical import parse


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("item", '"item"'),
        ("ItemName", '"ItemName"'),
        ('a"; DROP TABLE x; --', '"a""; DROP TABLE x; --"'),
        ("é", '"é"'),
    ],
)
def test_a_name_is_always_quoted_and_its_quotes_doubled(name: str, written: str) -> None:
    """A name can be any text, so no name may end the quotes that hold it."""
    assert quoted(name) == written


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 64, "é" * 32])
def test_a_name_that_the_server_would_cut_or_refuse_is_refused(name: str) -> None:
    """PostgreSQL cuts a long identifier silently, and two names become one."""
    with pytest.raises(Invalid):
        quoted(name)


def test_a_table_outside_of_public_is_named_with_its_schema() -> None:
    """The snapshot calls it schema.table; SQL wants two quoted words."""
    assert (table("item"), table("side.notes")) == ('"public"."item"', '"side"."notes"')


def test_a_retired_name_fits_and_differs_by_migration() -> None:
    """A second retirement of the same field must not meet the first, and a cut must not split a letter."""
    first, second = (
        retired(revision, "item", "é" * 31, "é" * 31) for revision in ("20260101_a", "20260101_b")
    )
    assert first != second
    assert first.startswith("_retired_")
    assert len(first.encode()) <= 63
    assert first.encode().decode() == first


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "'plain'"),
        ("it's", "'it''s'"),
        ("'; DROP TABLE item; --", "'''; DROP TABLE item; --'"),
        ("back\\slash", "E'back\\\\slash'"),
        ("\\'", "E'\\\\'''"),
        ("$$ -- /*", "'$$ -- /*'"),
    ],
)
def test_text_cannot_leave_its_quotes(text: str, written: str) -> None:
    """A backslash reads the same whatever standard_conforming_strings says."""
    assert text_literal(text) == written


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_the_server_cannot_hold_is_refused(text: str) -> None:
    """NUL would end the statement's text on the wire."""
    with pytest.raises(Invalid):
        text_literal(text)


@pytest.mark.parametrize(
    ("value", "spelling", "written"),
    [
        (None, "Text", "NULL"),
        (7, "Integer", "'7'::integer"),
        (-(2**63), "BigInteger", "'-9223372036854775808'::bigint"),
        (True, "Boolean", "'true'::boolean"),
        (0.1, "Float", "'0.1'::double precision"),
        ("12.50", "Decimal(10,2)", "'12.50'::numeric(10,2)"),
        (9.9, "Decimal(10,2)", "'9.9'::numeric(10,2)"),
        ("0.25", "Decimal(2,2)", "'0.25'::numeric(2,2)"),
        ("2026-02-28", "Date", "'2026-02-28'::date"),
        (
            "2026-02-28T01:02:03+01:00",
            "DateTime(tz)",
            "'2026-02-28T01:02:03+01:00'::timestamp with time zone",
        ),
        ({"a": ["'"]}, "Json", """'{"a": ["''"]}'::jsonb"""),
        ("QUI=", "Binary", r"E'\\x4142'::bytea"),
        ("it's", "String(4)", "'it''s'::character varying(4)"),
    ],
)
def test_a_default_is_written_as_a_value_of_its_type(value: Json, spelling: str, written: str) -> None:
    """JSON has fewer types than the database, so the type decides how a value is read."""
    assert literal(value, parse(spelling)) == written


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ("7", "Integer"),
        (2**31, "Integer"),
        (True, "Integer"),
        ("1e400x", "Decimal(5,2)"),
        ("1000", "Decimal(5,2)"),
        ("1.234", "Decimal(5,2)"),
        ("1", "Decimal(2,2)"),
        ("NaN", "Decimal(5,2)"),
        (float("nan"), "Float"),
        ("hello", "String(4)"),
        ("2026-02-30", "Date"),
        ("2026-02-28T00:00:00", "DateTime(tz)"),
        ("2026-02-28T00:00:00+00:00", "DateTime"),
        ("not a uuid", "Uuid"),
        ("$", "Binary"),
        (1, "Boolean"),
    ],
)
def test_a_default_that_does_not_fit_its_type_is_refused(value: Json, spelling: str) -> None:
    """The server would round, cut or fail in the middle of the migration."""
    with pytest.raises(Invalid):
        literal(value, parse(spelling))


@pytest.mark.parametrize(
    ("formatted", "spelling"),
    [
        ("character varying(40)", "String(40)"),
        ("character varying", "Text"),
        ("numeric(12,2)", "Decimal(12,2)"),
        ("timestamp with time zone", "DateTime(tz)"),
        ("timestamp(3) without time zone", "DateTime"),
        ("double precision", "Float"),
        ("jsonb", "Json"),
        ("integer[]", "Array(Integer)"),
        ("character varying(40)[]", "Array(String(40))"),
    ],
)
def test_a_native_type_is_read_as_the_logical_type_that_holds_it(formatted: str, spelling: str) -> None:
    """Authors write one type for both databases."""
    assert types.logical(formatted) == parse(spelling)


@pytest.mark.parametrize(
    "formatted", ["numeric", "character(4)", "numeric[]", "public.mood", "time without time zone"]
)
def test_a_native_type_without_equal_has_no_logical_type(formatted: str) -> None:
    """A guess here would become a wrong conversion later."""
    assert types.logical(formatted) is None


def test_an_index_is_taken_apart_into_keys_and_predicate() -> None:
    """Duplicates are searched by the same expressions that the index uses."""
    parts = definitions.index_parts(
        """CREATE UNIQUE INDEX i ON public.item USING btree (lower(("Name, (x)")::text) DESC, note COLLATE "C", """
        """((a || ','::text)) text_pattern_ops) INCLUDE (b) NULLS NOT DISTINCT """
        """WHERE ((status)::text = ') WHERE '::text)"""
    )
    assert parts.keys == ('lower(("Name, (x)")::text)', "note", "((a || ','::text))")
    assert parts.predicate == "((status)::text = ') WHERE '::text)"
    assert not parts.nulls_distinct


def test_a_foreign_key_is_taken_apart_into_both_ends() -> None:
    """Orphans are searched on the very columns that the key compares."""
    key = definitions.foreign_key(
        'FOREIGN KEY ("A, b", c) REFERENCES public."Odd (t)"(x, y) ON DELETE CASCADE'
    )
    assert key.columns == ('"A, b"', "c")
    assert (key.referenced, key.referenced_columns) == ('public."Odd (t)"', ("x", "y"))


def test_a_condition_reads_the_same_before_and_after_a_restore() -> None:
    """PostgreSQL moves the casts of a list when it reads its own output back."""
    before = "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b (x)'::character varying])::text[])))"
    after = "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b (x)'::character varying)::text])))"
    assert normalised(before) == normalised(after)
    assert normalised(before) != normalised(before.replace("'a'", "'c'"))


@pytest.mark.parametrize("inside", ["'a::text'", "'(a)'", "'it''s::text'", '"a::text"'])
def test_what_is_in_quotes_is_no_cast(inside: str) -> None:
    """A value or a name may look like one, and another value is another definition."""
    text = f"CHECK ((s)::text = {inside}::text)"
    assert inside in normalised(text)
    assert normalised(text) != normalised(text.replace(inside, inside.replace("::", "-").replace("(", "[")))


def test_the_text_of_a_function_stays_as_it_was_written() -> None:
    """Only what the server prints itself has several spellings: the defaults, and a body in SQL's own form."""
    head = "CREATE OR REPLACE FUNCTION public.f(s text[] DEFAULT {})\n RETURNS text\n LANGUAGE sql\n"
    lists = ("(ARRAY['a'::character varying])::text[]", "ARRAY[('a'::character varying)::text]")
    for body in ("AS $function$SELECT 'a'::text$function$\n", "BEGIN ATOMIC\n SELECT 'a';\nEND\n"):
        one, other = (normalised_function(head.format(text) + body) for text in lists)
        assert one == other
        assert one.endswith(body)
    one, other = (
        normalised_function(f"{head.format('NULL')}BEGIN ATOMIC\n SELECT {text};\nEND") for text in lists
    )
    assert one == other


def test_a_view_of_one_table_reads_the_same_with_and_without_qualified_columns() -> None:
    """Since PostgreSQL 16 the server leaves the table's name out where there is one source only."""
    before = " SELECT i.id,\n    i.price\n   FROM public.item i\n  WHERE (i.price < 5);"
    after = " SELECT id,\n    price\n   FROM public.item i\n  WHERE (price < 5);"
    assert normalised_view(before) == normalised_view(after)
    assert normalised_view(before) != normalised_view(before.replace("i.price < 5", "i.id < 5"))
