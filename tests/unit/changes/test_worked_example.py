"""The example in CONTRIBUTING.md is a change that works as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from skill_server.model.change import Change

PAGE = Path(__file__).parents[3] / "CONTRIBUTING.md"
PACKAGE = PAGE.parent / "skill_server"
EXAMPLE = re.compile(r"```python\n# skill_server/changes/rename_fields\.py\n(.*?)```", re.DOTALL)


def test_the_worked_example_is_a_whole_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer begins by copying it."""
    found = EXAMPLE.search(PAGE.read_text("utf-8"))
    assert found
    example = ModuleType("rename_fields")
    monkeypatch.setitem(sys.modules, example.__name__, example)
    exec(found[1], vars(example))  # noqa: S102 - the page is ours, and this is what a reader would do with it
    change: Change = vars(example)["CHANGE"](entity="items", names={"a": "b", "c": "d"})

    assert [action.kind for action in change.expand()] == ["rename_field", "rename_field"]
    assert change.inverse().inverse() == change
    assert change.new_names() == ("b", "d")
    assert change.retired_names() == {"a", "c"}


def test_every_place_that_the_page_names_for_a_new_action_is_closed() -> None:
    """The type checker names a backend that forgot an action only where the match ends in `assert_never`."""
    named = set(re.findall(r"^skill_server/(\S+\.py) - error", PAGE.read_text("utf-8"), re.MULTILINE))
    closed = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "assert_never(action)" in path.read_text("utf-8")
    }

    assert named == closed
    assert {"backends/postgres/render/dispatch.py", "backends/mongo/render/dispatch.py"} <= named
