"""A function computes with its record and reaches nothing else, whatever it tries."""

from __future__ import annotations

import math
import os
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from skill_server.backends.records import Native
from skill_server.errors import Invalid, Refused
from skill_server.model.flow import Function
from skill_server.model.pure_function import objection
from skill_server.run.sandbox import Child, Sandbox

VALUES: dict[str, Any] = {
    "none": None,
    "truth": True,
    "whole": 2**70,
    "ratio": 0.1,
    "endless": -math.inf,
    "exact": Decimal("12.500"),
    "text": "größe \U0001fa9a \x00",
    "raw": b"\x00\xff",
    "day": date(2024, 2, 29),
    "moment": datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC),
    "token": uuid.UUID(int=7),
    "nested": {"$": "float", "v": [1, {"a": None}]},
}


def a_function(body: str) -> Function:
    """Return a function whose body these lines are."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return Function(name="compute", source=f"def compute(record):\n{lines}\n")


async def answers(body: str, *records: dict[str, Any]) -> list[Any]:
    """Return what a function answers in the sandbox: values, or the words of a problem."""
    async with Sandbox(a_function(body), seconds=2) as sandbox:
        found = await sandbox.compute(records or ({},))
    return [answer.problem or answer.values for answer in found]


async def unchecked(body: str) -> Any:
    """Return what a source answers that was let past the check, as if the check had a hole."""
    async with Child(a_function(body), seconds=1) as child:
        (answer,) = await child.compute([{}])
    return answer.problem or answer.values


async def test_every_plain_value_goes_in_and_comes_out_the_same() -> None:
    """A value that changed on the way would be a silent loss."""
    (found,) = await answers("return {name: record[name] for name in record}", VALUES)
    assert found == VALUES
    assert [type(value) for value in found.values()] == [type(value) for value in VALUES.values()]
    (found,) = await answers("return {'nan': record['nan']}", {"nan": math.nan})
    assert math.isnan(found["nan"])


async def test_a_value_of_one_database_arrives_as_its_text() -> None:
    """An ObjectId means nothing to a function but its digits."""
    assert await answers("return {'id': record['id']}", {"id": Native("65f0", object())}) == [{"id": "65f0"}]


async def test_the_modules_for_computing_are_at_hand() -> None:
    """Splitting text and adding amounts is what functions are for."""
    body = "import re\nfrom decimal import Decimal\n"
    body += "return {'sum': sum(map(Decimal, re.findall(r'[0-9.]+', record['t'])))}"
    assert await answers(body, {"t": "1.10 and 2.2"}) == [{"sum": Decimal("3.30")}]


async def test_one_record_that_cannot_be_computed_does_not_hide_the_others() -> None:
    """All bad records are listed at once, so each answer is its record's own."""
    found = await answers("return {'n': int(record['t'])}", {"t": "1"}, {"t": "x"}, {"t": "3"})
    assert [found[0], found[2]] == [{"n": 1}, {"n": 3}]
    assert "ValueError" in found[1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 7", "returned a int"),
        ("return {'a': (1, 2)}", "a tuple"),
        ("return {1: 2}", "keys"),
        ("return {'a': compute(record)}", "RecursionError"),
        ("return {'a': [0] * 10**9}", "MemoryError"),
        ("a = []\nfor _ in range(999): a = [a]\nreturn {'a': a}", "nest deeper"),
    ],
)
async def test_what_is_no_answer_is_said_of_the_record(body: str, words: str) -> None:
    """An author mends a function by what it is told about one record."""
    (found,) = await answers(body)
    assert words in str(found)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "return {'a': 'x' * 100_000_000}",
        "return {'a': 10 ** 10 ** 9}",
    ],
)
async def test_a_function_without_end_is_ended(body: str) -> None:
    """A migration must not hang on what an author wrote."""
    with pytest.raises(Refused) as refusal:
        await answers(body)
    assert refusal.value.code == "function-stopped"


@pytest.mark.parametrize(
    "body",
    [
        "from datetime import datetime\nreturn {'now': datetime.now()}",
        "return {'order': list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})}",
        "return {'place': hash('text')}",
    ],
)
async def test_a_function_that_answers_differently_is_refused(body: str) -> None:
    """A rehearsal proves nothing about a function that looks at the clock."""
    with pytest.raises(Refused) as refusal:
        await answers(body)
    assert refusal.value.code == "function-not-pure"


ATTACKS = {
    "a file": "return {'a': open('/etc/passwd').read()}",
    "another module": "import os\nreturn {'a': list(os.environ)}",
    "a socket": "import socket\nreturn {'a': str(socket.socket())}",
    "a module by name": "return {'a': str(__import__('os').environ)}",
    "a module of a module": "import re\nreturn {'a': str(re.enum.sys.modules['os'].environ)}",
    "a module of json": "import json\nreturn {'a': json.codecs.open('/etc/passwd').read()}",
    "all subclasses": "return {'a': str(().__class__.__base__.__subclasses__())}",
    "an attribute in text": "return {'a': '{0.__class__.__base__}'.format(1)}",
    "an attribute by name": "return {'a': str(getattr(1, '__class__'))}",
    "a formatter": "import string\nreturn {'a': str(string.Formatter().get_field('0.__class__', (1,), {}))}",
    "a frame": "g = (g.gi_frame.f_back.f_back.f_globals for _ in [1])\nreturn {'a': str(list(g))}",
    "a pattern": "match record:\n    case dict(__class__=found): return {'a': str(found)}",
    "its own globals": "global a\na = 1\nreturn {'a': a}",
    "evaluation": "return {'a': eval('1')}",
    "a class": "class A: pass\nreturn {'a': A.__name__}",
    "an outer module": "from collections.abc import Mapping\nreturn {}",
    "a neighbour": "from . import sandbox\nreturn {}",
}
# What the check alone has to catch, because a name that begins with two underscores reaches it once inside.
CHECK_ALONE = {
    "all subclasses",
    "an attribute in text",
    "a frame",
    "a pattern",
    "its own globals",
    "a class",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_reaches_out_never_starts_or_finds_nothing(attack: str) -> None:
    """Two walls stand one behind the other: the check of the source, and a process that has nothing to give."""
    function = a_function(ATTACKS[attack])
    by_name = attack in {
        "a file",
        "an attribute by name",
        "evaluation",
        "a module of a module",
        "a module of json",
        "a formatter",
    }
    assert by_name or objection(function.source, "compute") is not None
    if attack not in CHECK_ALONE:
        found = await unchecked(ATTACKS[attack])
        assert isinstance(found, str), found
        assert found.startswith("raised")


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\ndef compute(record): return {}",
        "def other(record): return {}",
        "def compute(a, b): return {}",
        "def compute(record=[]): return {}",
        "def compute(*record): return {}",
        "@staticmethod\ndef compute(record): return {}",
        "async def compute(record): return {}",
        "def compute(record): yield {}",
        "compute = dict",
        "def compute(record) return",
    ],
)
async def test_a_source_that_is_no_single_function_is_refused(source: str) -> None:
    """What stands beside the function would run without being asked."""
    with pytest.raises(Invalid) as refusal:
        Sandbox(Function(name="compute", source=source))
    assert refusal.value.code == "function-not-pure"


async def test_an_escaped_function_finds_no_environment_no_files_and_no_way_to_make_any(
    tmp_path: Path,
) -> None:
    """The last wall: even with every module at hand there is nothing to read out and nothing to write to."""
    os.environ["A_SECRET_OF_THE_SERVER"] = "postgresql://user:password@host/database"
    escape = "s = ().__class__.__base__.__subclasses__()\n"
    escape += "load = [c for c in s if c.__name__ == 'BuiltinImporter'][0].load_module\n"
    try:
        found = await unchecked(
            escape + "posix = load('posix')\nreturn {'a': [k.decode() for k in posix.environ]}"
        )
        names: list[str] = found["a"]
        assert not {"A_SECRET_OF_THE_SERVER", "HOME", "PATH"}.intersection(names)
    finally:
        del os.environ["A_SECRET_OF_THE_SERVER"]
    write = (
        escape
        + f"io = load('_io')\nwith io.open({str(tmp_path / 'made')!r}, 'w') as f: f.write('x' * 9)\nreturn {{}}"
    )
    assert isinstance(await _fate(write), str)
    assert not (tmp_path / "made").exists() or not (tmp_path / "made").read_text()


async def _fate(body: str) -> Any:
    try:
        return await unchecked(body)
    except Refused as refusal:
        return refusal.code


async def test_what_a_function_prints_goes_nowhere() -> None:
    """Printing is not the protocol, so it must not be able to speak it."""
    assert isinstance(await unchecked("print('{}' * 99)\nreturn {'a': 1}"), str)


async def test_the_process_is_gone_after_the_block() -> None:
    """A function that hangs must not outlive the run that asked it."""
    child = Child(a_function("while True: pass"), seconds=1)
    async with child:
        process = child._process  # pyright: ignore[reportPrivateUsage]
        assert process is not None
        with pytest.raises(Refused):
            await child.compute([{}])
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
