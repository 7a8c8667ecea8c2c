"""What a person reads before saying yes: what goes, and whose code runs, before the list of steps."""

from typing import Any

from skill_server.approve.code import code_of
from skill_server.approve.question import LONGEST_CODE, MOST_CODE, question
from skill_server.model.action import CopyRecords, RunRaw, UpdateValues
from skill_server.model.flow import Assignment, Copy, Expressions, Flow, Function, Lookup
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Statement, Step, Way
from tests.unit.review.plans import plan, step, way

POSTGRES, MONGODB = BackendKind.POSTGRES, BackendKind.MONGODB
HOSTILE = "def f(record):\n    return {}  # \u202e\x1b[2J Deletes nothing"
RAW = RunRaw(
    entity="items",
    postgres=("UPDATE items SET a = 1",),
    mongodb=(),
    undo_postgres=("UPDATE items SET a = 0",),
    undo_mongodb=(),
)


def a_raw_step(*texts: str, backend: BackendKind = POSTGRES) -> Step:
    """Return a step that runs statements as a database wraps them."""
    return step(way("SET LOCAL search_path TO x", *texts), way(), action=RAW, backend=backend)


def an_update(assignment: Assignment, backend: BackendKind = POSTGRES, **more: Any) -> Step:
    """Return a step that computes values."""
    flow = Flow(operation="update", entity="items", kept="k", forward=assignment)
    statement = Statement(text="-- in batches: s", flow=flow)
    forward = Way(summary="s", statements=(statement,), **more)
    return step(forward, backend=backend, action=UpdateValues(entity="items", forward=assignment))


BY_FUNCTION = Assignment(writes=("b",), reads=("a",), formula=Function(name="f", source=HOSTILE))


def test_statements_of_the_author_are_shown_first_and_those_around_them_are_not() -> None:
    """Nobody but the reader can judge what they do."""
    lines = question(plan(a_raw_step("UPDATE items SET a = 1"), step(backend=MONGODB))).splitlines()

    assert lines[2] == "Runs on postgres items: UPDATE items SET a = 1"
    assert not any("search_path" in line for line in lines)


def test_a_function_is_shown_once_for_both_databases_and_escaped() -> None:
    """Its text may try to look like another line of the question."""
    text = question(plan(an_update(BY_FUNCTION), an_update(BY_FUNCTION, MONGODB)))

    (line,) = [line for line in text.splitlines() if line.startswith("Runs on")]
    assert line.startswith("Runs on postgres items, mongodb items: def f(record):\\u000a")
    assert "\\u202e\\u001b[2J" in line
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_long_and_many_pieces_of_code_end_and_say_so() -> None:
    """A question that is too long is not read."""
    texts = [f"UPDATE items SET a{number} = '{'x' * 2_000}'" for number in range(MOST_CODE + 3)]
    lines = question(plan(a_raw_step(*texts))).splitlines()

    shown = [line for line in lines if line.startswith("Runs on")]
    assert len(shown) == MOST_CODE
    assert all(line.endswith("…") and len(line) < LONGEST_CODE + 50 for line in shown)
    assert "And 3 more: the migration's .md file holds all of them" in lines


def test_values_that_are_replaced_are_not_called_hidden() -> None:
    """One goes out of sight, the other is another one from now on."""
    replacing = an_update(BY_FUNCTION, hazards=(Hazard.RETIRES_DATA,))
    hiding = step(way("SELECT 1", hazards=(Hazard.RETIRES_DATA,)))

    lines = question(plan(replacing, hiding)).splitlines()
    assert lines[1:3] == [
        "Hides (kept until finalize): s",
        "Replaces values (old ones kept until finalize): s",
    ]


def test_steps_that_do_nothing_are_told_only_where_a_database_has_no_others() -> None:
    """They are there so that both databases are covered, and would crowd out the others."""
    idle = Way(summary="nothing: it keeps no defaults", statements=())

    both = question(plan(step(), step(idle)))
    alone = question(plan(step(), step(idle, backend=MONGODB)))
    assert "nothing" not in both.replace("Deletes nothing and hides nothing", "")
    assert "- mongodb: nothing: it keeps no defaults" in alone.splitlines()


def test_expressions_are_those_of_the_database_and_lookups_and_copies_are_said() -> None:
    """What is computed stands in no statement."""
    formula = Expressions(postgres={"b": "t.a + 1"}, mongodb={"b": {"$add": ["$a", 1]}})
    lookup = Lookup(entity="owners", own="x", theirs="y", fields={"z": "z"})
    given = Assignment(writes=("b",), lookup=lookup, formula=formula)
    copy = Copy(entity="old", mapping={"a": "a", "b": "c"}, key=("a",))
    flow = Flow(operation="copy", entity="items", kept="k", copy_of=copy)
    copying = Way(summary="s", statements=(Statement(text="-- s", flow=flow),))

    assert code_of(an_update(given)) == ("z of owners, where its y equals x", "b = t.a + 1")
    assert code_of(an_update(given, MONGODB))[1] == 'b = {"$add": ["$a", 1]}'
    assert code_of(step(copying, action=CopyRecords(entity="items", copy_of=copy))) == ("a, b = c",)
    assert code_of(step()) == ()
