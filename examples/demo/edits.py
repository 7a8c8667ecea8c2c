"""What the assistant does to the application's own files, and what a rollback takes back."""

import re
from pathlib import Path

CONDITION = '    condition: Mapped[str | None] = mapped_column(String(40), server_default="unknown")\n'
_AFTER = "    ItemPicture: Mapped[str | None] = mapped_column(Text)\n"


def add_condition(project: Path) -> None:
    """Add the new field to the model."""
    model = project / "app" / "models" / "item.py"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace(_AFTER, _AFTER + CONDITION), encoding="utf-8")


def remove_condition(project: Path) -> None:
    """Take the new field out of the model."""
    model = project / "app" / "models" / "item.py"
    model.write_text(model.read_text(encoding="utf-8").replace(CONDITION, ""), encoding="utf-8")


def rename(project: Path, old: str, new: str) -> int:
    """Rename a word in code, templates and tests; return how many files changed."""
    changed = 0
    for path in sorted([*(project / "app").rglob("*"), *(project / "tests").rglob("*")]):
        if path.suffix not in {".py", ".html"}:
            continue
        text = path.read_text(encoding="utf-8")
        renamed = re.sub(rf"\b{re.escape(old)}\b", new, text)
        if renamed != text:
            path.write_text(renamed, encoding="utf-8")
            changed += 1
    return changed
