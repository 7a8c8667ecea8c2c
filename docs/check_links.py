"""Check that every internal link of the documentation leads somewhere.

Usage: python docs/check_links.py. Reads the Markdown files at the top level and under docs, references and prompts;
looks at relative targets and their anchors and leaves addresses on the network alone. The exit status is 0 when all
links hold.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("*.md", "docs/**/*.md", "references/**/*.md", "prompts/**/*.md", "migrations/**/*.md")

CODE = re.compile(r"^(```|~~~).*?^\1\s*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings make, numbered from the second of the same name."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", page.read_text("utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (name := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(name)
    return found


def broken_links(page: Path, root: Path) -> Iterator[str]:
    """Yield one line for each link of the page that leads nowhere, or out of the repository at `root`."""
    for pair in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        link: str = pair[0] or pair[1]
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{page.relative_to(root)}: no such file: {link}"
        elif not target.is_relative_to(root):
            yield f"{page.relative_to(root)}: leads out of the repository: {link}"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{page.relative_to(root)}: no such heading: {link}"


def main() -> int:
    """Check every page, print what is broken, and return the exit status."""
    pages = sorted({page for pattern in PAGES for page in ROOT.glob(pattern)})
    broken = [line for page in pages for line in broken_links(page, ROOT)]
    for line in broken:
        print(line)
    print(f"{len(pages)} pages, {len(broken)} broken links")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
