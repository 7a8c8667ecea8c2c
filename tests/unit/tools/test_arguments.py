"""Arguments are taken as the schema says and in no other way."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.application import arguments
from skill_server.changes.add_field import AddField
from skill_server.errors import Invalid
from skill_server.tools.generate_migration import generate_migration
from skill_server.tools.run_upgrade import run_upgrade
from skill_server.tools.verify_integrity import verify_integrity

FIELD: dict[str, Any] = {"kind": "add_field", "entity": "items", "field": "colour", "type": "String(20)"}


def test_arguments_become_their_types() -> None:
    """A tool is handed changes, not dictionaries, whoever calls it."""
    known = arguments.checked(generate_migration, {"summary": "s", "reason": "r", "changes": [FIELD]})

    assert isinstance(known["changes"][0], AddField)
    assert known["target"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"dryrun": True}, "dryrun"),
        ({"revision": None}, "revision"),
        ({"revision": ["head"]}, "revision"),
        ({"revision": 7}, "revision"),
        ({"revision": "../../etc/passwd"}, "revision"),
        ({"revision": "20260101_" + "a" * 5_000}, "revision"),
        ({"plan_id": "\ud800" * 32}, "the whole"),
        ({"plan_id": "A" * 32}, "plan_id"),
        ({"target": "postgresql://user:secret@host/db"}, "target"),
        ({"target": "a" * 65}, "target"),
        ({"target": '["development"]'}, "target"),
    ],
)
def test_an_argument_that_does_not_fit_is_named_and_not_repeated(given: dict[str, Any], field: str) -> None:
    """The caller must find its mistake, and what it sent may be huge or hold a password."""
    with pytest.raises(Invalid) as refused:
        arguments.checked(run_upgrade, given)

    assert refused.value.code == "arguments-invalid"
    assert f"{field}: " in refused.value.message
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("nullable", ["yes", "true", 1, 0, None, [True]])
def test_only_true_and_false_are_true_and_false(nullable: object) -> None:
    """A word that one reader takes for true and another for text does not say whether a field may be empty."""
    change = {**FIELD, "nullable": nullable}

    with pytest.raises(Invalid, match=r"changes\.0\.add_field\.nullable"):
        arguments.checked(generate_migration, {"summary": "s", "reason": "r", "changes": [change]})


@pytest.mark.parametrize("depth", ["FULL", "1", 3, "everything", ""])
def test_a_depth_is_one_of_three_words(depth: object) -> None:
    """A depth that was misread would prove less than the caller believes."""
    with pytest.raises(Invalid, match="depth"):
        arguments.checked(verify_integrity, {"depth": depth})


def test_an_unknown_name_of_any_length_is_told_in_short() -> None:
    """Names are the caller's text too."""
    with pytest.raises(Invalid) as refused:
        arguments.checked(run_upgrade, {"x" * 100_000: 1})

    assert len(str(refused.value)) < 400


def test_many_mistakes_are_counted_and_not_all_told() -> None:
    """A refusal must not be larger than a result."""
    changes = [{**FIELD, "nullable": "no"} for _ in range(100)]

    with pytest.raises(Invalid, match="and 95 more"):
        arguments.checked(generate_migration, {"summary": "s", "reason": "r", "changes": changes})


def test_a_wrong_argument_of_a_change_is_answered_with_the_right_ones() -> None:
    """The published schema lists the arguments of all changes together, so the refusal says which are right."""
    change = {"kind": "rename_field", "entity": "items", "field": "a", "name": "b"}

    with pytest.raises(Invalid) as refused:
        arguments.checked(generate_migration, {"summary": "s", "reason": "r", "changes": [change]})

    assert "changes.0.rename_field.name: Extra" in refused.value.message
    assert "rename_field(entity, field, to)" in refused.value.help
