"""A migration file appears whole or not at all, and no file is ever overwritten by another."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from skill_server import changes
from skill_server.errors import Invalid, Refused
from skill_server.generate import name
from skill_server.generate.migration import Migration
from skill_server.generate.read import read
from skill_server.generate.write import replace, write

NOW = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
MIGRATION = Migration(
    revision="20261123_add_condition",
    summary="Add the condition of an item.",
    reason="The shop floor asks for it.",
    changes=(
        changes.build("add_field", entity="items", field="condition", type="String(40)", default="unknown"),
        changes.build("rename_field", entity="items", field="ItemDesc", to="description"),
    ),
)
TEXT = '''"""Add the condition of an item.

Reason: The shop floor asks for it.
"""

revision = "20261123_add_condition"
down_revision = None


def upgrade(op):
    op.add_field("items", "condition", type="String(40)", default="unknown")
    op.rename_field("items", "ItemDesc", to="description")


def downgrade(op):
    op.rename_field("items", "description", to="ItemDesc")
    op.remove_field("items", "condition", type="String(40)", default="unknown")


if __name__ == "__main__":
    from skill_server.__main__ import run_file

    raise SystemExit(run_file(__file__))
'''


def test_the_file_reads_like_the_handbook(tmp_path: Path) -> None:
    """People review this file, so its layout is fixed."""
    path = write(MIGRATION, tmp_path / "migrations")

    assert path.read_text("utf-8") == TEXT
    assert read(path) == MIGRATION
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208 - hidden leftovers would show here


def test_a_file_that_is_there_is_left_as_it_was(tmp_path: Path) -> None:
    """It may have been applied, or edited by hand."""
    path = tmp_path / f"{MIGRATION.revision}.py"
    path.write_text("mine")

    with pytest.raises(Invalid) as caught:
        write(MIGRATION, tmp_path)

    assert caught.value.code == "revision-exists"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The refusal says what to mend, and no error of the system reaches the caller."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Refused) as caught:
        write(MIGRATION, tmp_path / "file" / "migrations")

    assert caught.value.code == "migration-not-writable"


def test_a_migration_too_large_to_be_read_is_not_written(tmp_path: Path) -> None:
    """A file that the reader refuses would block the whole folder."""
    change = changes.build("add_field", entity="items", field="x", type="Text", default="x" * 200_000)
    huge = MIGRATION.model_copy(update={"changes": (change,)})

    with pytest.raises(Invalid, match="larger than"):
        write(huge, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_generated_page_is_replaced_whole(tmp_path: Path) -> None:
    """It is made from the migration, so the newest one counts."""
    path = tmp_path / "page.md"
    replace(path, "one")
    replace(path, "two")

    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(Refused):
        replace(tmp_path / "no" / "page.md", "three")


@pytest.mark.parametrize(
    ("description", "slug"),
    [
        ("Add a condition to items", "add_a_condition_to_items"),
        ("  Größe & Farbe!  ", "grosse_farbe"),
        ("../../etc/passwd\x00", "etc_passwd"),
        ("項目", "change"),
        ("", "change"),
        ("x" * 500, "x" * 60),
        ("word " * 50, "_".join(["word"] * 12)),
    ],
)
def test_a_slug_is_short_plain_words(description: str, slug: str) -> None:
    """It becomes a file name, from text that an assistant or a person made up."""
    assert name.slug(description.replace("ß", "ss")) == slug


def test_the_time_of_day_parts_two_migrations_of_a_day() -> None:
    """The first of a day keeps the short name."""
    assert name.new_revision("Add it", [], NOW) == "20261123_add_it"
    assert name.new_revision("Add it", ["20261122_x"], NOW) == "20261123_add_it"
    assert name.new_revision("Add it", ["20261123_x"], NOW) == "20261123_140509_add_it"
    with pytest.raises(Invalid, match="revision-exists"):
        name.new_revision("Add it", ["20261123_x", "20261123_140509_add_it"], NOW)
