"""Functions that changes write for their authors, called as the sandbox calls them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from skill_server.model import formula
from skill_server.model.flow import Function
from skill_server.model.logical import parse


def called(function: Function, **record: Any) -> Any:
    """Return what a function makes of a record."""
    scope: dict[str, Any] = {}
    exec(function.source, scope)  # noqa: S102 - the source is written by the module under test
    return scope[function.name](record)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (None, (None, None)),
        ("", ("", None)),
        ("Ada", ("Ada", None)),
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Ada King Lovelace", ("Ada", "King Lovelace")),
        (" 'Ada\\\n\" ☃", ("", "'Ada\\\n\" ☃")),
    ],
)
def test_what_is_split_is_joined_to_the_same(value: str | None, parts: tuple[str | None, ...]) -> None:
    """The way back of a split is the way up of a merge, and neither may change a text."""
    split = called(formula.splitting("name", ("first", "last"), " "), name=value)

    assert split == dict(zip(("first", "last"), parts, strict=True))
    assert called(formula.joining(("first", "last"), "name", " "), **split) == {"name": value}


def test_only_empty_fields_are_filled() -> None:
    """Zero and empty text are values."""
    fill = formula.filling("a b", 'it\'s "x"')

    assert called(fill) == called(fill, **{"a b": None}) == {"a b": 'it\'s "x"'}
    assert called(fill, **{"a b": ""}) == {"a b": ""}
    assert called(formula.filling("n", 7), n=0) == {"n": 0}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("Decimal(10,2)", "9.5", Decimal("9.50")),
        ("Date", "2024-02-29", date(2024, 2, 29)),
        ("DateTime(tz)", "2024-02-29T12:00:00+00:00", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("Uuid", "6f9619ff-8b86-4011-b42d-00c04fc964ff", UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")),
        ("Binary", "AP8=", b"\x00\xff"),
        ("Array(Date)", ["2024-02-29", None], [date(2024, 2, 29), None]),
        ("Text", "decimal.Decimal", "decimal.Decimal"),
        ("Integer", "no number", "no number"),
    ],
)
def test_a_fill_is_a_value_of_its_type(kind: str, text: Any, value: Any) -> None:
    """A database that declares no types would keep the text of a decimal for good."""
    fill = formula.filling("a", text, parse(kind))

    assert repr(called(fill)["a"]) == repr(value)
    assert formula.checked(fill.source) == fill.source


def test_records_that_share_a_counterpart_have_to_agree() -> None:
    """One value cannot stand for two, and choosing one of them would lose the other without a word."""
    take = formula.agreeing("found", ("a", "b"))

    assert called(take, found=[]) == {"a": None, "b": None}
    assert called(take, found=[{"a": 1, "b": 2}, {"a": 1, "b": 2}]) == {"a": 1, "b": 2}
    assert called(take, found=[{"a": 1}]) == {"a": 1, "b": None}
    with pytest.raises(ValueError, match="differ"):
        called(take, found=[{"a": 1}, {"a": 2}])


def test_one_link_goes_back_and_several_do_not() -> None:
    """A field holds one value; the records that have more are for a person to look at."""
    link = formula.only_link("owner", "links")

    assert called(link, links=[]) == {"owner": None}
    assert called(link, links=[{"owner": 3}]) == {"owner": 3}
    with pytest.raises(ValueError, match="several links, and owner holds one"):
        called(link, links=[{"owner": 3}, {"owner": 4}])


def test_an_array_that_nobody_wrote_to_comes_back_as_it_was() -> None:
    """Members that were no fields, their order, and null against missing are all part of the old value."""
    old = [{"z": 1, "text": "a", "other": [None]}, {"text": None}, {}]
    found = [
        {"position": 2, "text": None},
        {"position": 0, "text": "a"},
        {"position": 1, "text": None},
    ]
    result = called(formula.array("notes", "found", "position"), notes=old, found=found)

    assert result == {"notes": old}
    assert [list(each) for each in result["notes"]] == [["z", "text", "other"], ["text"], []]
    assert called(formula.array("notes", "found", "position"), notes=None, found=[]) == {"notes": None}
    assert called(formula.array("notes", "found", "position"), notes=[], found=[]) == {"notes": []}


def test_what_was_written_to_extracted_records_goes_into_the_array() -> None:
    """New records, changed ones and deleted ones are what an application did meanwhile."""
    found = [{"position": 0, "text": "b"}, {"position": 5, "text": "new"}]
    old = [{"text": "a", "by": 1}, {"text": "gone"}]

    assert called(formula.array("notes", "found", "position"), notes=old, found=found) == {
        "notes": [{"text": "b", "by": 1}, {"text": "new"}]
    }
    assert called(formula.array("notes", "found", "position"), notes=None, found=found[1:]) == {
        "notes": [{"text": "new"}]
    }


def test_a_record_finds_its_own_object_and_keeps_its_values_where_there_is_none() -> None:
    """An object that was taken out of the array says nothing about the record."""
    take = formula.element("found", "id", "id", ("text",))

    assert called(take, id=2, text="old", found=[{"id": 1}, {"id": 2, "text": "new"}]) == {"text": "new"}
    assert called(take, id=3, text="old", found=[{"id": 1}]) == {"text": "old"}
    assert called(take, id=3, text="old", found=None) == {"text": "old"}


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = 1",
        "def f(record): return {}\nx = 1",
        "def f(): return {}",
        "def f(record, other): return {}",
        "def f(record=None): return {}",
        "def f(*record): return {}",
        "@cache\ndef f(record): return {}",
        "async def f(record): return {}",
        "def f(record:",
        "lambda record: {}",
        "def f(record): return '\x00'",
        "def f(record):\n    import os\n    return dict(os.environ)",
        "def f(record): return record.__class__",
    ],
)
def test_a_function_is_one_plain_def(source: str) -> None:
    """What stands around a function would run as soon as it is loaded."""
    with pytest.raises(ValueError, match="function"):
        formula.checked(source)


def test_a_function_goes_by_its_own_name() -> None:
    """The name is what the sandbox calls."""
    assert formula.function("def tidy(record):\n    return {}\n").name == "tidy"
