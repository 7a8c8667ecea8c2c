"""A migration file is data: whatever is more than its layout is refused, with the line and the way out."""

import os
from pathlib import Path

import pytest

from skill_server.errors import Invalid
from skill_server.generate.read import LARGEST_BYTES, parse, read

GOOD = '''"""Add the condition of an item.

Reason: the shop floor asks for it.
"""

revision = "20261123_add_condition"
down_revision = None            # or "2026..._..."


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
ADD = '    op.add_field("items", "condition", type="String(40)", default="unknown")\n'


def refusal(text: str | bytes) -> Invalid:
    """Return the refusal of a file's content."""
    with pytest.raises(Invalid) as caught:
        parse(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), "file.py")
    return caught.value


def test_the_layout_of_the_handbook_is_read() -> None:
    """Comments and spacing are the author's own."""
    migration = parse(GOOD.encode(), "file.py")

    assert migration.summary == "Add the condition of an item."
    assert migration.reason == "the shop floor asks for it."
    assert [change.kind for change in migration.changes] == ["add_field", "rename_field"]
    assert migration.down_revision is None


def test_layout_and_comments_do_not_change_the_digest_and_words_do() -> None:
    """An approval stands when the file is reflowed, and falls when anything that decides or explains changes."""
    reflowed = GOOD.replace(
        ADD,
        "    # why\n    op.add_field(\n        entity='items', field='condition',\n"
        "        default='un' 'known', type='string( 40 )',\n    )\n",
    )
    digest = parse(GOOD.encode(), "file.py").digest

    assert parse(reflowed.encode(), "other.py").digest == digest
    assert parse(GOOD.replace("shop", "work").encode(), "file.py").digest != digest
    assert parse(GOOD.replace("String(40)", "Text").encode(), "file.py").digest != digest


CHANGED = {
    "f-string": ('"condition", type', 'f"condition", type', 11, "an f-string is not a literal value"),
    "name": ('"condition", type', "CONDITION, type", 11, "a name is not a literal value"),
    "computed": ('"condition", type', '"condi" + "tion", type', 11, "a computation is not a literal value"),
    "walrus": ('"condition", type', '(x := "condition"), type', 11, "an assignment inside an expression"),
    "call": ('"condition", type', 'str("condition"), type', 11, "Call is not a literal value"),
    "bytes": ('"condition", type', 'b"condition", type', 11, "Constant is not a literal value"),
    "unpacked": ('"condition", type', '"condition", **{}, type', 11, "unpacked"),
    "starred": ('"condition", type', '*["condition"], type', 11, "Starred is not a literal value"),
    "unknown op": ("op.add_field", "op.add_feld", 11, "no change called 'add_feld'"),
    "not op": ("op.add_field", "os.add_field", 11, "Expr is not a call of op"),
    "dunder": ("op.add_field", "op.__class__", 11, "no change called"),
    "deeper attribute": ("op.add_field", "op.x.add_field", 11, "is not a call of op"),
    "import": ("revision = ", "import os\nrevision = ", 6, "belong here"),
    "other statement": ("revision = ", "print(1)\nrevision = ", 6, "belong here"),
    "computed revision": (
        'revision = "20261123_add_condition"',
        'revision = "20261123" + "_x"',
        6,
        "computation",
    ),
    "annotated revision": ("revision = ", "revision: str = ", 6, "belong here"),
    "revision twice": ("down_revision = None", "revision = None", 7, "revision is there twice"),
    "odd revision": ("20261123_add_condition", "../../etc", 1, "revision: "),
    "decorator": ("def upgrade", "@print\ndef upgrade", 11, "more than a plain function"),
    "default argument": ("def upgrade(op)", "def upgrade(op=print(1))", 10, "more than a plain function"),
    "annotation": ("def upgrade(op)", "def upgrade(op: print(1))", 10, "more than a plain function"),
    "coroutine": ("def upgrade", "async def upgrade", 10, "belong here"),
    "nested function": (ADD, "    def x(): ...\n" + ADD, 11, "a nested function is not a call of op"),
    "import inside": (ADD, "    import os\n" + ADD, 11, "an import is not a call of op"),
    "pass": (ADD, "    pass\n" + ADD, 11, "`pass` is not a call of op"),
    "loop": (ADD, "    for x in []: op.f()\n" + ADD, 11, "For is not a call of op"),
    "undo in upgrade": (ADD, '    op.restore_field("a", "b")\n', 11, "only undoes another change"),
    "too many positions": ('type="String(40)"', '"Text", True, 1, 2, 3', 11, "twice or too many"),
    "given twice": ('"condition", type', '"condition", entity="x", type', 11, "twice or too many"),
    "keyword twice": ('type="String(40)"', 'type="Text", type="Text"', 11, "type is given twice"),
    "own kind": ('type="String(40)"', 'type="Text", kind="drop_field"', 11, "kind: "),
    "unknown type": ('"String(40)"', '"Strong(40)"', 11, "unknown type 'Strong'"),
    "missing argument": (', type="String(40)"', "", 11, "type: Field required"),
    "syntax error": ("def upgrade(op):", "def upgrade(op:", 10, "is no Python"),
    "odd escape": ('"unknown"', '"un\\known"', 11, "is no Python"),
    "no reason": ("Reason:", "Because:", 1, "what changes and why"),
    "empty reason": ("the shop floor asks for it.", "", 1, "what changes and why"),
    "changed guard": ("run_file(__file__)", 'run_file("/etc/passwd")', 20, "belong here"),
    "huge number": ('"unknown"', "9" * 5000, None, "migration-not-readable"),
    "infinite": ('"unknown"', "1e999", 11, "finite"),
    "set": ('"unknown"', '{"a"}', 11, "Set is not a literal value"),
    "spread object": ('"unknown"', "{**{}}", 11, "not literal text"),
    "key that is a number": ('"unknown"', '{1: "a"}', 11, "not literal text"),
    "minus text": ('"unknown"', '-"a"', 11, "UnaryOp is not a literal value"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_whatever_is_more_than_the_layout_is_refused_by_line(case: str) -> None:
    """Nothing is guessed, nothing is run; the reader is led to the line."""
    before, after, line, message = CHANGED[case]
    assert before in GOOD

    error = refusal(GOOD.replace(before, after, 1))

    assert message in str(error)
    assert error.help
    if line is not None:
        assert error.message.startswith(f"file.py:{line}: ")


@pytest.mark.parametrize("name", ["upgrade", "downgrade"])
def test_a_missing_direction_is_refused(name: str) -> None:
    """Without a downgrade nothing could be rehearsed, and nothing undone."""
    start = GOOD.index(f"def {name}(op)")
    end = GOOD.index("def downgrade" if name == "upgrade" else "if __name__")

    error = refusal(GOOD[:start] + GOOD[end:])

    assert f"{name}(op) is missing" in error.message
    assert f"def {name}(op)" in error.help


def test_a_missing_end_is_refused() -> None:
    """Without it, running the file would do nothing and still look like a success."""
    assert (
        "hands the file to the command line is missing" in refusal(GOOD[: GOOD.index("if __name__")]).message
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('to="ItemDesc"', 'to="itemdesc"'),
        ("    op.remove_field", '    op.restore_field("a", "b")\n    op.remove_field'),
        ('    op.rename_field("items", "description", to="ItemDesc")\n', ""),
        (
            'remove_field("items", "condition", type="String(40)", default="unknown")',
            'remove_field("items", "condition", type="String(40)")',
        ),
    ],
)
def test_a_downgrade_that_is_no_inverse_is_refused_with_the_right_one(before: str, after: str) -> None:
    """An undo that does something else is worse than none; the right lines are in the refusal."""
    error = refusal(GOOD.replace(before, after))

    assert error.code == "downgrade-does-not-undo"
    assert '    op.rename_field("items", "description", to="ItemDesc")\n    op.remove_field(' in error.help


def test_values_that_python_takes_for_equal_are_told_apart() -> None:
    """True, 1 and 1.0 are equal in Python and different in both databases."""
    text = GOOD.replace('"String(40)", default="unknown"', '"Json", default=1')

    assert (
        refusal(text[::-1].replace("1=tluafed", "eurT=tluafed"[::1], 1)[::-1]).code
        == "downgrade-does-not-undo"
    )
    assert parse(text.encode(), "file.py")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "docstring"),
        (GOOD.encode() + b"\0", "file.py:24: holds a NUL byte"),
        (GOOD.encode() + b"# \xff", "is not UTF-8 text"),
        (GOOD.encode() + b"#" * LARGEST_BYTES, "larger than"),
        (GOOD.replace('"unknown"', "[" * 150 + "]" * 150).encode(), "nests deeper"),
        (GOOD.replace('"unknown"', "[" * 90000 + "]" * 90000).encode(), "migration-not-readable"),
        (GOOD.replace('"unknown"', "-" * 90000 + "1").encode(), "migration-not-readable"),
        (GOOD.replace('"unknown"', "(" * 90000).encode(), "migration-not-readable"),
    ],
    ids=["empty", "nul", "not utf-8", "too large", "nested", "nested lists", "nested minus", "open brackets"],
)
def test_a_file_that_is_no_text_for_people_is_refused(content: bytes, message: str) -> None:
    """Neither size nor depth may bring the reader down."""
    assert message in str(refusal(content))


@pytest.mark.parametrize("name", ["select", "a b", "_retired_x"])
def test_a_new_name_in_a_file_is_refused_by_line(name: str) -> None:
    """The same rule holds for a file that was edited as for a tool call."""
    error = refusal(GOOD.replace('"condition"', f'"{name}"'))

    assert error.code == "name-not-allowed"
    assert error.message.startswith("file.py:11: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('    op.not_applicable("mysql", "why")\n', "not_applicable"),
        ('    op.not_applicable("mongodb")\n', "takes a name and a reason"),
        ('    op.not_applicable("mongodb", "why", x=1)\n', "takes a name and a reason"),
        ('    op.acknowledge("a", "")\n', "acknowledged.a"),
        ('    op.acknowledge("a", "b")\n    op.acknowledge("a", "c")\n', "names a twice"),
        (
            '    op.not_applicable("mongodb", "a")\n    op.not_applicable("postgres", "b")\n',
            "at least one database",
        ),
    ],
)
def test_what_is_said_about_a_migration_is_checked_too(line: str, message: str) -> None:
    """A statement that lifts a requirement must be exact."""
    assert message in refusal(GOOD.replace(ADD, line + ADD)).message


def test_the_name_of_the_file_is_the_revision(tmp_path: Path) -> None:
    """A reader finds a revision by its file name."""
    right, wrong = tmp_path / "20261123_add_condition.py", tmp_path / "20261123_other.py"
    right.write_text(GOOD)
    wrong.write_text(GOOD)

    assert read(right).revision == right.stem
    with pytest.raises(Invalid) as caught:
        read(wrong)
    assert caught.value.code == "revision-is-not-file-name"


def test_only_a_plain_file_is_read(tmp_path: Path) -> None:
    """A link may lead out of the project, and a pipe may never end."""
    (tmp_path / "real.py").write_text(GOOD)
    link, pipe, folder = (tmp_path / f"{name}.py" for name in ("link", "pipe", "folder"))
    link.symlink_to(tmp_path / "real.py")
    os.mkfifo(pipe)
    folder.mkdir()

    for path in (link, pipe, folder, tmp_path / "missing.py"):
        with pytest.raises(Invalid, match=rf"{path.name}:1: "):
            read(path)


def test_a_file_is_never_executed(tmp_path: Path) -> None:
    """The server holds credentials, so even a file that would only touch another file is refused unread."""
    trace = tmp_path / "trace"
    error = refusal(GOOD.replace("revision = ", f"open({str(trace)!r}, 'w')\nrevision = ", 1))

    assert "never executed" in error.help
    assert not trace.exists()
