"""Arrays as literals, and the spelling of types that have others inside."""

import pytest

from skill_server.backends.postgres.literals import literal
from skill_server.backends.postgres.schema import types
from skill_server.errors import Invalid
from skill_server.model.logical import parse


def test_an_array_quotes_each_element() -> None:
    """A comma, a quote or a backslash inside an element must not end it."""
    assert literal(['a,"b"\\', None, ""], parse("Array(Text)")) == (
        r"""E'{"a,\\"b\\"\\\\",NULL,""}'::text[]"""
    )


@pytest.mark.parametrize("spelling", ["Array(String(40))", "Array(Decimal(12,2))", "Array(DateTime(tz))"])
def test_an_array_is_the_type_of_its_elements_with_brackets(spelling: str) -> None:
    """What PostgreSQL prints of a column has to be read as the same type."""
    assert types.logical(types.native(parse(spelling))) == parse(spelling)


@pytest.mark.parametrize("spelling", ["Array", "Array(Array(Text))", "Array(Reference(items))", "Reference"])
def test_a_type_of_the_wrong_parts_is_refused(spelling: str) -> None:
    """PostgreSQL cannot tell an array of arrays from an array."""
    with pytest.raises(ValueError, match="as in"):
        parse(spelling)


def test_a_reference_without_a_known_key_has_no_type() -> None:
    """A guess would make a column that joins with nothing."""
    with pytest.raises(Invalid, match="reference-not-resolved"):
        types.native(parse("Reference(items)"))
