"""The project's tests run with a scrubbed environment, within their time, and leave nothing behind."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from skill_server.errors import Refused
from skill_server.project import command


def python(code: str) -> list[str]:
    """Return a command that runs a piece of Python."""
    return [sys.executable, "-c", code]


async def test_only_what_is_given_reaches_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server's environment a test could find the live databases."""
    monkeypatch.setenv("LIVE_DATABASE_URL", "postgresql://live")

    run = await command.run_tests(
        python("import os; print(sorted(os.environ)); print(os.environ['HOME'], os.getcwd())"),
        tmp_path,
        {"DB_TYPE": "postgres"},
        30,
    )

    assert run.passed
    names, places = run.tail.splitlines()
    assert set(eval(names)) - {"LC_CTYPE"} == {"DB_TYPE", "HOME", "LANG", "PATH", "TMPDIR"}  # noqa: S307 - own output
    home, directory = places.split()
    assert home != os.environ.get("HOME")
    assert not Path(home).exists()
    assert directory == str(tmp_path.resolve())


async def test_a_failing_command_has_not_passed(tmp_path: Path) -> None:
    """Its exit code and the end of its output say why."""
    run = await command.run_tests(python("import sys; print('out'); sys.exit('why')"), tmp_path, {}, 30)

    assert (run.passed, run.exit_code) == (False, 1)
    assert sorted(run.tail.split()) == ["out", "why"]


async def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    """A child that goes on would still write to a copy, or keep it from being dropped."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )

    run = await command.run_tests(python(code), tmp_path, {}, 2)

    assert (run.passed, run.exit_code) == (False, None)
    assert run.seconds < 30
    assert ended(int(run.tail))


async def test_a_child_that_is_left_behind_is_ended(tmp_path: Path) -> None:
    """The command passed, but its server must not outlive it, nor hold its output open."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid)"
    )

    run = await command.run_tests(python(code), tmp_path, {}, 30)

    assert run.passed
    assert run.seconds < 20
    assert ended(int(run.tail))


async def test_a_cancelled_run_ends_the_command(tmp_path: Path) -> None:
    """The caller may go away at any moment."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set_result(int(await reader.readline()))
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code = (
        "import os, socket, time\n"
        f"socket.create_connection(('127.0.0.1', {port})).sendall(b'%d\\n' % os.getpid()); time.sleep(60)"
    )
    async with server, asyncio.timeout(30):
        task = asyncio.create_task(command.run_tests(python(code), tmp_path, {}, 60))
        pid = await started
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert ended(pid)


def ended(pid: int) -> bool:
    """Return whether a process is gone, waiting a bounded time for the system to reap it."""
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(10)
        return True
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return True
    except psutil.TimeoutExpired:
        return False


async def test_only_the_tail_of_much_output_is_kept(tmp_path: Path) -> None:
    """A command that prints without end must not fill the memory; half a line could hold half a password."""
    run = await command.run_tests(python("for i in range(200000): print('line', i)"), tmp_path, {}, 60)

    assert len(run.tail) <= command.TAIL_BYTES
    assert run.tail.endswith("line 199999\n")
    assert run.tail.startswith("line ")


async def test_a_command_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The configuration is wrong, which is not a failed test."""
    for words in (["no-such-program-here"], [], ["with\0nul"]):
        with pytest.raises(Refused) as caught:
            await command.run_tests(words, tmp_path, {}, 5)
        assert caught.value.code == "test-command-missing"


@pytest.mark.parametrize(
    ("variables", "text", "secret"),
    [
        ({"DATABASE_URL": "postgresql://me:s3cret@host/db"}, "no login with s3cret", "s3cret"),
        ({"DATABASE_URL": "postgresql://me:p%40ss@host/db"}, "decoded p@ss and raw p%40ss", "ss"),
        ({"DATABASE_URL": "postgresql://me:a/b@c@host/db"}, "odd a/b@c", "a/b"),
        ({"DATABASE_URL": "postgresql://host/db?user=a&password=hidden"}, "with hidden", "hidden"),
        ({"API_TOKEN": "t0ken"}, "sent t0ken", "t0ken"),
        ({}, "mongodb://other:unknown@host/db", "unknown"),
    ],
)
def test_passwords_are_masked(variables: dict[str, str], text: str, secret: str) -> None:
    """Output is shown to people and models, and stored with the receipt."""
    masked = command.mask(text, variables)

    assert secret not in masked
    assert command.MASK in masked
