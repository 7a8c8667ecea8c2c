"""A function of a migration file is one plain def beside upgrade and downgrade, named where a change takes it."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.generate import functions, layout
from skill_server.generate.migration import Migration
from skill_server.generate.read import parse
from skill_server.model.action import Action
from skill_server.model.change import Change

HALVES = 'def halves(record):\n    # Why: "a b" is two words.\n    return {"a": record["x"][:3]}'
PLAIN = (
    "lambda record: record",
    "async def f(record):\n    return record",
    "@cache\ndef f(record):\n    return record",
    "def f(record, more=1):\n    return record",
    "def f(record=1):\n    return record",
    "def f(*record):\n    return record",
    "def f(record, /):\n    return record",
    "def f():\n    return 1",
    "def upgrade(record):\n    return record",
    "def f(record):\n    return 1\nprint(1)",
    "def f(record):\n    return '\u202e'",
    "def f(record)\n    return",
    "",
)


class Compute(Change):
    """A change that takes functions, as those of the catalogue do."""

    undo_only: ClassVar[bool] = False
    kind: Literal["compute"] = "compute"
    field: str
    function: str | None = None
    back_function: str | None = None

    def expand(self) -> Iterator[Action]:
        """Yield nothing: these tests are about the file."""
        yield from ()

    def inverse(self) -> Change:
        """Return the same with both functions exchanged."""
        return self.model_copy(update={"function": self.back_function, "back_function": self.function})

    def describe(self) -> str:
        """Say that it computes."""
        return f"Compute {self.field} of {self.entity}."


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the change one of the catalogue for the time of a test."""
    kinds = {**changes.catalogue(), "compute": Compute}
    monkeypatch.setattr(changes, "catalogue", lambda: kinds)
    changes._any_authored.cache_clear()  # pyright: ignore[reportPrivateUsage] - it was built without the change
    yield
    changes._any_authored.cache_clear()  # pyright: ignore[reportPrivateUsage] - and holds it now


def migration(*asked: Change) -> Migration:
    """Return a migration of these changes."""
    return Migration(revision="20261123_x", summary="s", reason="r", changes=asked)


def compute(function: str | None = HALVES, back: str | None = None, field: str = "x") -> Change:
    """Return a change that takes functions."""
    return Compute(entity="items", field=field, function=function, back_function=back)


def text(*asked: Change) -> str:
    """Return the file of these changes."""
    return layout.render(migration(*asked))


def refusal(content: str) -> Invalid:
    """Return the refusal of a file."""
    with pytest.raises(Invalid) as caught:
        parse(content.encode(), "file.py")
    return caught.value


def test_a_function_stands_above_upgrade_and_is_named_in_the_call() -> None:
    """People review a def far better than a def within quotes."""
    written = text(compute())

    assert f"\n\n\n{HALVES}\n\n\ndef upgrade(op):" in written
    assert '    op.compute("items", "x", function=halves)' in written
    assert '    op.compute("items", "x", back_function=halves)' in written


def test_what_is_written_with_functions_reads_back_the_same() -> None:
    """What was planned and approved by digest is what the file says, functions included."""
    other = "def back(record):\n\treturn {'x': '''a\n  b''', 'y': \"ü\"}"
    made = migration(compute(HALVES, other), compute(HALVES, field="z"))
    again = parse(layout.render(made).encode(), "file.py")

    assert again == made
    assert again.digest == made.digest
    assert text(compute(HALVES), compute(HALVES, field="z")).count("def halves(") == 1


def test_the_digest_covers_the_body_of_a_function() -> None:
    """An approval of one function must not stand for another of the same name."""
    other = HALVES.replace("[:3]", "[:4]")

    assert migration(compute()).digest != migration(compute(other)).digest
    written = text(compute())
    assert parse(written.encode(), "f").digest != parse(written.replace("[:3]", "[:4]").encode(), "f").digest


@pytest.mark.parametrize("around", ["\n\n{}\n\n", "# first\n{}\n# last\n", "{}\r\n"])
def test_what_surrounds_a_function_is_no_part_of_it(around: str) -> None:
    """The file gives the def alone, so both spellings must be one migration."""
    assert migration(compute(around.format(HALVES))) == migration(compute())


def test_line_ends_of_another_system_do_not_change_the_function() -> None:
    """A checkout on Windows holds the same migration."""
    written = text(compute())

    assert parse(written.replace("\n", "\r\n").encode(), "f").digest == parse(written.encode(), "f").digest


@pytest.mark.parametrize("source", PLAIN)
def test_only_one_plain_def_is_a_function(source: str) -> None:
    """Everything else would run something that nobody asked for, or hide what runs."""
    with pytest.raises(ValueError, match=r"function|def|argument|decorator"):
        migration(compute(source))


def test_two_functions_of_one_name_are_refused() -> None:
    """The file could hold only one of them."""
    with pytest.raises(ValueError, match="two different functions are called halves"):
        migration(compute(), compute(HALVES.replace("a", "b").replace("hblves", "halves"), field="z"))


REFUSED = {
    "decorator": ("def halves", "@cache\ndef halves", "decorator"),
    "default": ("halves(record)", "halves(record=1)", "exactly one argument"),
    "coroutine": ("def halves", "async def halves", "only the docstring"),
    "another name": ("function=halves", "function=thirds", "there is no function thirds"),
    "unused": (
        "def upgrade",
        "def more(record):\n    return {}\n\n\ndef upgrade",
        "no change takes the function more",
    ),
    "twice": ("def upgrade", f"{HALVES}\n\n\ndef upgrade", "halves is there twice"),
    "where no function is taken": ('"x", function', "halves, function", "a name is not a literal value"),
    "called": ("function=halves", "function=halves(1)", "Call is not a literal value"),
    "invisible": ("return", "return '\u202e' or", "nobody can see"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_function_that_is_more_or_less_than_that_is_refused_by_line(case: str) -> None:
    """A migration file stays data: the one thing that may run is a pure function that a change names."""
    old, new, words = REFUSED[case]
    error = refusal(text(compute()).replace(old, new, 1))

    assert error.code == "migration-not-readable"
    assert words in error.message
    assert "file.py:" in error.message


def test_an_undone_change_refers_to_its_function_as_well() -> None:
    """`undo` holds the whole change, and a function within quotes there would be unreadable."""
    plain = functions.referred({"kind": "compute", "entity": "items", "function": HALVES})

    assert layout.literal(plain) == '{"kind": "compute", "entity": "items", "function": halves}'


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Zp", "Zs")), max_size=30)
)
def test_any_text_within_a_function_survives(words: str) -> None:
    """What a function compares with is often a name in another language."""
    source = f"def f(record):\n    return {{'a': {words!r}}}"

    assert functions.named(parse(text(compute(source)).encode(), "f").changes) == {"f": source}
