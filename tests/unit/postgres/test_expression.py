"""Which SQL expressions of an author are computed: exactly one, over its row, and no more."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.render import expression
from skill_server.errors import Invalid
from skill_server.model.action import UpdateValues
from skill_server.model.flow import Assignment, Expressions

PLAIN = {
    "function": 'upper("ItemName")',
    "cast": '"Quantity"::text',
    "case": "CASE WHEN a > 1 THEN 'x; -- y' ELSE NULL END",
    "json": "t.data ->> 'name'",
    "array": "ARRAY[a, b]",
    "pattern": r"regexp_replace(name, '\s+', ' ', 'g')",
    "moment": "seen AT TIME ZONE 'UTC'",
}
WRONG = {
    "two": "a); DELETE FROM t; SELECT (b",
    "closed bracket": "a), (b",
    "another source": "a) FROM secrets AS t WHERE (true",
    "query": "(SELECT max(a) FROM t)",
    "comment": "a -- and more",
    "block comment": "a /* */",
    "file": "pg_read_file('/etc/passwd')",
    "quoted file": "pg_catalog.\"pg_read_file\"('/etc/passwd')",
    "session": "set_config('role', 'admin', false)",
    "unreadable": "a +",
    "endless": "a + " * 1000 + "a",
}


def computing(text: str) -> UpdateValues:
    """Return an update whose way back computes a field by an expression."""
    written = Assignment(writes=("a",), formula=Expressions(postgres={"a": text}, mongodb={"a": "$a"}))
    return UpdateValues(entity="t", backward=written)


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_expression_is_computed(text: str) -> None:
    """What an author needs to derive one value from others must pass."""
    expression.require_plain(computing(text))


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_what_is_more_than_an_expression_is_refused(text: str) -> None:
    """It is put into a query with the rights of the server."""
    with pytest.raises(Invalid) as refusal:
        expression.require_plain(computing(text))
    assert refusal.value.code == "expression-not-allowed"
