"""Run one command: open the application, show progress, print the result or the refusal, set the exit status."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from skill_server.application.application import Application
from skill_server.backends.base import Progress
from skill_server.cli import showing
from skill_server.errors import InDoubt, MigrationError

REFUSED = 1
IN_DOUBT = 3

Work = Callable[[Application, Progress], Awaitable[dict[str, Any]]]


def run(project: Path | None, work: Work, *, as_json: bool) -> None:
    """Carry `work` out and leave the process: status 0 done, 1 refused, failed or not passed, 3 outcome in doubt."""
    sys.exit(anyio.run(_run, project, work, as_json))


async def _run(project: Path | None, work: Work, as_json: bool) -> int:
    app = Application(project)
    try:
        async with showing.progress(quiet=as_json) as report:
            result = await work(app, report)
    except MigrationError as error:
        return _refused(error, as_json=as_json)
    finally:
        await app.close()
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n")
    else:
        showing.result(result)
    # A verification, review or rehearsal that did not pass is an answer, and must stop a script all the same.
    return 0 if result.get("ok", True) else REFUSED


def refusal(error: MigrationError) -> dict[str, Any]:
    """Return an error as the data that a tool's refusal holds."""
    return {
        "ok": False,
        "code": error.code,
        "message": error.message,
        "help": error.help,
        "state": error.state,
        "next_tool": error.next_tool,
        "next_args": error.next_args,
        **error.detail,
    }


def _refused(error: MigrationError, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(refusal(error), ensure_ascii=False, indent=2, default=str) + "\n")
    else:
        showing.refusal(refusal(error))
    return IN_DOUBT if isinstance(error, InDoubt) else REFUSED
