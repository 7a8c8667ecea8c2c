"""Where the texts that come with the product lie: in a checkout beside the package, in a wheel inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find(name: str) -> Path | None:
    """Return a file or folder that comes with the product (`SKILL.md`, `prompts`, `references`), or None."""
    for place in (_PACKAGE / "_share", _PACKAGE.parent):
        if (found := place / name).exists():
            return found
    return None
