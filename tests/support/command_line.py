"""The command line as a person or a script runs it: in this process for speed, or as a program of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from skill_server.cli.main import cli

WITHIN_S = 60
_LIMITED = """
import os, resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status and what it wrote."""

    status: int
    out: str
    errors: str

    @property
    def told(self) -> str:
        """Everything that a reader saw."""
        return self.out + self.errors

    @property
    def json(self) -> dict[str, Any]:
        """The whole of standard output as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


async def command(root: Path, *arguments: str, answers: str | None = None) -> Ended:
    """Run one command on a project; `answers` are typed at its prompts."""

    def invoked() -> Ended:
        result = CliRunner().invoke(cli, ["--project", str(root), *arguments], input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    # A command starts an event loop of its own, which it cannot where one runs.
    return await asyncio.to_thread(invoked)


async def program(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    largest_file_bytes: int | None = None,
    stdin: str = "",
) -> Ended:
    """Run a Python program with nothing but this environment, and with a limit of file size where one is given."""
    command_line = [sys.executable, *arguments]
    if largest_file_bytes is not None:
        # By a program in between: a hook between fork and exec is unsafe where threads run, as they do here.
        command_line = [sys.executable, "-c", _LIMITED, str(largest_file_bytes), *command_line]

    def ran() -> Ended:
        ended = subprocess.run(
            command_line,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return await asyncio.to_thread(ran)
