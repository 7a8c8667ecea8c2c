"""The cookbook shows every change as it really runs."""

from __future__ import annotations

import json
import os

import pytest

from skill_server import changes
from tests.golden.cookbook import PAGE, PART, page, shown
from tests.golden.plans import HERE


def test_the_cookbook_shows_what_the_golden_plans_hold() -> None:
    """A recipe that was right once is worse than none; `UPDATE_GOLDEN=1` writes the parts anew."""
    wanted = page()
    if os.environ.get("UPDATE_GOLDEN") and PAGE.read_text("utf-8") != wanted:
        PAGE.write_text(wanted, "utf-8")
        pytest.fail("wrote the cookbook anew; look at the difference")
    assert PAGE.read_text("utf-8") == wanted


def test_every_change_has_its_recipe() -> None:
    """What is not in the cookbook is asked for in other words, and found by nobody."""
    kinds = {json.loads((HERE / name / "change.json").read_text())["kind"] for name in shown()}

    assert kinds == set(changes.authored())


def test_a_recipe_that_was_edited_by_hand_is_noticed() -> None:
    """The parts between the marks belong to the plans."""
    edited = PART.sub(r"\1DROP TABLE items;\n\3", PAGE.read_text("utf-8"), count=1)

    assert edited != PAGE.read_text("utf-8")
    assert "DROP TABLE items;\n<!-- end -->" not in page()
