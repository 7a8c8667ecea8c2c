"""Rules in the words of `$jsonSchema`, and what they are told apart by."""

from __future__ import annotations

import re

import pytest

from skill_server.backends.mongo.render import rules
from skill_server.errors import Invalid
from skill_server.model.logical import parse
from skill_server.model.rule import Rule


def test_a_bound_of_a_decimal_field_is_a_decimal() -> None:
    """The double 0.1 is a little more than the decimal, which would then break its own bound."""
    said = rules.words_of(Rule(minimum=0.1, maximum=5), None, decimal=True, nullable=True)
    assert said == {"minimum": {"$numberDecimal": "0.1"}, "maximum": {"$numberInt": "5"}}
    said = rules.words_of(Rule(minimum=2**70), None, decimal=False, nullable=True)
    assert said == {"minimum": {"$numberDecimal": str(2**70)}}


def test_a_list_holds_null_where_the_field_may_be_empty() -> None:
    """An empty field follows every rule, as NULL does in a check of PostgreSQL."""
    rule = Rule(one_of=("a", "b"))
    assert rules.words_of(rule, parse("Text"), decimal=False, nullable=True) == {"enum": ["a", "b", None]}
    assert rules.words_of(rule, parse("Text"), decimal=False, nullable=False) == {"enum": ["a", "b"]}


def test_a_listed_value_is_of_the_type_of_its_field() -> None:
    """A number on the list of a text field would admit nothing."""
    long = rules.words_of(Rule(one_of=(1,)), parse("BigInteger"), decimal=False, nullable=False)
    assert long == {"enum": [{"$numberLong": "1"}]}
    with pytest.raises(Invalid, match="value-not-of-type"):
        rules.words_of(Rule(one_of=(1,)), parse("Text"), decimal=False, nullable=False)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("^[a-z]+[.]$", r"^[a-z]+[.](?:$(?!\n))"),
        ("a.c", "(?s)a.c"),
        (r"a\.c\$", r"a\.c\$"),
        ("plain", "plain"),
        ("[^$.]x", "[^$.]x"),
    ],
)
def test_a_pattern_is_spelled_so_that_both_engines_read_it_alike(text: str, spelled: str) -> None:
    """`.` and `$` treat line breaks differently, which only shows with the one value in a million."""
    assert rules.pattern(text) == spelled
    re.compile(spelled)
