"""A second opinion on the SQL of a plan, by squawk, whose parser knows PostgreSQL's own grammar.

This is the one part of the room that starts a program; the rules are pure.
"""

import asyncio
import json
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skill_server.errors import Failed, Refused
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind

_LONGEST_MESSAGE = 500

# What this product answers by other means, and by which; the rest of squawk's rules are shown as warnings.
SUPPRESSED = {
    "require-lock-timeout": "every statement runs under the policy's lock timeout",
    "require-statement-timeout": "every statement runs under the policy's statement timeout",
    "require-timeout-settings": "every statement runs under the policy's timeouts",
    "prefer-robust-stmts": "steps are journalled; IF NOT EXISTS would take an invalid index for a finished one",
    "renaming-column": "the rule breaks-old-code and the search through the code answer it",
    "renaming-object": "the rule breaks-old-code and the search through the code answer it",
    "ban-drop-column": "the rule deletes-data answers it; an upgrade only hides",
    "ban-drop-not-null": "a field that is hidden must not refuse new records; the downgrade sets it again",
    "ban-drop-default": "a field that is hidden needs no default; the downgrade sets it again",
    "ban-drop-constraint": "constraints of a hidden field are recorded, and the downgrade makes them again",
    "ban-alter-identity": "the identity of a hidden field is recorded, and the downgrade makes it again",
    "renaming-table": "the rule breaks-old-code and the search through the code answer it",
    "ban-set-schema": "the rule breaks-old-code and the search through the code answer it",
    "ban-drop-table": "only empty or kept copies go; of statements of the author's own the rule deletes-data warns",
    "ban-drop-view": "only what is made again in the same transaction is dropped",
    "changing-column-type": "the rules blocks-reads-long and lossy-retype answer it with the size of the entity",
    "adding-not-nullable-field": "a probe finds records without a value before anything runs",
    "prefer-text-field": "the type is the author's decision",
    "prefer-bigint-over-int": "the type is the author's decision",
    "prefer-timestamp-tz": "the type is the author's decision",
    "require-table-schema": "the connection's search path is pinned",
}


async def lint_sql(statements: Sequence[str], *, timeout_s: float = 20.0) -> tuple[Finding, ...]:
    """Return what squawk finds in PostgreSQL statements; a syntax error is an error, the rest are warnings.

    Raises:
        Refused: squawk is not installed beside this program (`linter-missing`).
        Failed: it gave no readable answer in time (`linter-failed`); a check that did not run has not passed.
    """
    if not statements:
        return ()
    text, starts = _script(statements)
    try:
        answer = await _ask(text, timeout_s)
        reports: list[dict[str, Any]] = json.loads(answer)
        return tuple(_finding(report, statements, starts) for report in reports)
    except (FileNotFoundError, PermissionError) as error:
        raise Refused(
            "linter-missing",
            "squawk cannot be started",
            help="Install the package squawk-cli beside this program.",
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise Failed(
            "linter-failed",
            f"squawk gave no readable answer within {timeout_s:g} s",
            help="Try again; if it fails again, install another version of squawk-cli.",
        ) from error


def program() -> Path:
    """Return where the program is that came with this installation."""
    return Path(sysconfig.get_path("scripts")) / "squawk"


async def _ask(text: str, timeout_s: float) -> bytes:
    process = await asyncio.create_subprocess_exec(
        str(program()),
        *("--reporter", "json", f"--exclude={','.join(SUPPRESSED)}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Elsewhere it would read a .squawk.toml, which might switch rules off.
        cwd="/",
        env={},
    )
    try:
        answer, _ = await asyncio.wait_for(process.communicate(text.encode()), timeout_s)
        return answer
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())


def _script(statements: Sequence[str]) -> tuple[str, list[int]]:
    """Return all statements as one text, and the line on which each begins."""
    lines: list[str] = []
    starts: list[int] = []
    for statement in statements:
        starts.append(len(lines))
        lines += [*statement.split("\n"), ";"]
    return "\n".join(lines) + "\n", starts


def _finding(report: dict[str, Any], statements: Sequence[str], starts: Sequence[int]) -> Finding:
    # squawk counts lines from 0 when it reports JSON.
    number = sum(start <= int(report["line"]) for start in starts) or 1
    broken = report["rule_name"] == "syntax-error"
    shown = " ".join(statements[number - 1].split())[:200]
    return Finding(
        rule=f"squawk-{report['rule_name']}",
        severity=Severity.ERROR if broken else Severity.WARNING,
        backend=BackendKind.POSTGRES,
        line=number,
        name=shown,
        message=f"statement {number}: {report['message']}"[:_LONGEST_MESSAGE],
        help=(report.get("help") or "Read the statement again before you approve it.")[:_LONGEST_MESSAGE],
    )
