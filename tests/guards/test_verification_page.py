"""The page on verification holds every check at the depth where it runs, and no other."""

import re
from pathlib import Path

from skill_server.verify.checks import discovered

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)


def test_the_page_lists_every_check_with_its_depth() -> None:
    """A reader decides by this table how deep to look."""
    rows = ROW.findall(PAGE.read_text("utf-8"))

    assert sorted((check, depth) for depth, check, _, _ in rows) == sorted(
        (name, depth.name.lower()) for name, depth, _ in discovered()
    )
