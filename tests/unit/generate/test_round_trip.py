"""A migration that is written and read again is the same migration, whatever its names and values hold."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_server import changes
from skill_server.generate import layout
from skill_server.generate.migration import Migration
from skill_server.generate.read import parse
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind

SIMPLE = st.from_regex(r"n_[A-Za-z0-9_]{0,40}", fullmatch=True)
ODD = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters="$.\"'`"),
    min_size=1,
    max_size=15,
).filter(lambda name: name[0] != "-")
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
SENTENCE = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from(" \n\t\"'\\"), min_size=1, max_size=180
).filter(lambda text: bool(text.split()))
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**900, max_value=10**1000 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
TYPE = st.sampled_from(["String(40)", "Text", "Integer", "Decimal(12,2)", "DateTime(tz)", "Json"])


def made(kind: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    """Return a strategy for one kind of change."""
    return st.fixed_dictionaries(arguments).map(lambda drawn: changes.build(kind, **drawn))


CHANGE = st.one_of(
    made("add_field", entity=ODD, field=SIMPLE, type=TYPE, nullable=st.booleans(), default=VALUE),
    made("rename_field", entity=ODD, field=ODD, to=SIMPLE),
    made("drop_field", entity=ODD, field=ODD, fill=VALUE),
    made("retype_field", entity=ODD, field=ODD, was=TYPE, to=TYPE),
    made("add_index", entity=ODD, name=SIMPLE, fields=st.lists(ODD, min_size=1, max_size=3, unique=True)),
    made("drop_index", entity=ODD, name=ODD),
)
MIGRATION = st.builds(
    Migration,
    revision=st.just("20261123_add_condition"),
    down_revision=st.none() | st.just("20261122_101500_before"),
    summary=SENTENCE,
    reason=SENTENCE,
    changes=st.lists(CHANGE, min_size=1, max_size=4).map(tuple),
    not_applicable=st.dictionaries(st.sampled_from(list(BackendKind)), SENTENCE, max_size=1),
    acknowledged=st.dictionaries(ODD, SENTENCE, max_size=2),
)


@given(MIGRATION)
def test_a_migration_that_is_written_reads_back_the_same(migration: Migration) -> None:
    """What was planned, approved and recorded by digest is what the file says."""
    again = parse(layout.render(migration).encode(), "file.py")

    assert again == migration
    assert again.digest == migration.digest
    assert canonical(again.model_dump(mode="json")) == canonical(migration.model_dump(mode="json"))


@given(VALUE)
def test_a_literal_is_what_python_would_read(value: Any) -> None:
    """The file is Python to its readers and editors, so both must agree on every value."""
    read = ast.literal_eval(layout.literal(value))

    assert canonical(read) == canonical(value)


@given(TEXT)
def test_a_literal_shows_nothing_that_a_reader_cannot_see(text: str) -> None:
    """Invisible and direction-changing characters in source hide what a reviewer approves."""
    assert layout.literal(text).isprintable()


@pytest.mark.parametrize(
    "text",
    ['"', '"""', "\\", '\\"""', 'ends in a quote"', "Reason: none", "<!-- x -->", "a\u202eb", "x" * 200],
)
def test_a_docstring_holds_awkward_text(text: str) -> None:
    """Quotes, backslashes and the word that parts summary from reason may all be part of either."""
    migration = Migration(
        revision="20261123_x",
        summary=text,
        reason=text,
        changes=(changes.build("drop_index", entity="a", name="b"),),
    )

    assert parse(layout.render(migration).encode(), "file.py") == migration


@given(VALUE)
def test_a_value_of_any_length_is_written_and_read_back(value: object) -> None:
    """A long one is spread over lines, at whatever depth the line would be too long."""
    written = layout.call("change", ("items",), {"value": value})

    asked = ast.parse(written.strip(), mode="eval").body
    assert isinstance(asked, ast.Call)
    assert canonical(ast.literal_eval(asked.keywords[0].value)) == canonical(value)


def test_lines_are_as_long_as_they_may_be_and_no_longer() -> None:
    """A migration is read by people, and their formatters should find nothing to change."""
    change = {"kind": "raw", "entity": "items", "postgres": [f'UPDATE items SET "{"n" * 20}" = 1'] * 3}

    assert (
        layout.call("undo", ("items", change))
        == """\
    op.undo(
        "items",
        {
            "kind": "raw",
            "entity": "items",
            "postgres": [
                'UPDATE items SET "nnnnnnnnnnnnnnnnnnnn" = 1',
                'UPDATE items SET "nnnnnnnnnnnnnnnnnnnn" = 1',
                'UPDATE items SET "nnnnnnnnnnnnnnnnnnnn" = 1',
            ],
        },
    )"""
    )
