"""The documentation leads its reader only to what exists."""

from pathlib import Path

import pytest

from docs import check_links


def test_every_internal_link_of_the_documentation_holds() -> None:
    """A page that was moved takes its readers along."""
    assert check_links.main() == 0


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("[x](gone.md)", "no such file"),
        ("[x]: gone.md", "no such file"),
        ("[x](#nowhere)", "no such heading"),
        ("[x](other.md#nowhere)", "no such heading"),
        ("[x](../outside.md)", "leads out"),
    ],
)
def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path, link: str, fault: str) -> None:
    """Files, headings and the edge of the repository are all looked at."""
    (tmp_path / "outside.md").write_text("")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "other.md").write_text("# Other\n")
    page = root / "page.md"
    page.write_text(f"# Page\n\n{link}\n")

    (line,) = check_links.broken_links(page, root)
    assert fault in line


def test_links_that_hold_and_examples_in_code_are_left_alone(tmp_path: Path) -> None:
    """Addresses on the network are not looked up, and code is not read for links."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A page: its `parts`\n\n[a](#a-page-its-parts) [b](page.md) [c](https://example.org/x) `[d](gone.md)`\n"
        "\n## Twice\n\n## Twice\n\n[e](#twice-1)\n\n```\n[f](gone.md)\n# not a heading\n```\n"
    )

    assert list(check_links.broken_links(page, tmp_path)) == []
