"""Add condition of an item and call its text description

Reason: The shop floor asks in what condition an item is, and everybody calls its text the
description.
"""

revision = "20261123_add_condition_of_an_item_and_call_its_text_description"
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
