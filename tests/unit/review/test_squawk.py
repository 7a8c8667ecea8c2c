"""squawk gives a second opinion, with its own grammar of PostgreSQL; no answer is not a good answer."""

from pathlib import Path

import pytest

from skill_server.errors import Failed, Refused
from skill_server.model.finding import Severity
from skill_server.review import squawk


def use(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    """Let another program stand where squawk is looked for."""

    def there() -> Path:
        return program

    monkeypatch.setattr(squawk, "program", there)


async def test_a_syntax_error_is_an_error_at_its_statement() -> None:
    """Statements of several lines must not shift the count."""
    (finding, *_) = await squawk.lint_sql(["SELECT\n1", "ALTER TABLE a\nADD COLUMN b int", "wrong words"])

    assert (finding.rule, finding.severity, finding.line) == ("squawk-syntax-error", Severity.ERROR, 3)
    assert finding.name == "wrong words"


async def test_what_this_product_does_not_answer_itself_is_a_warning() -> None:
    """The rules that are not suppressed still speak."""
    (finding,) = await squawk.lint_sql(["SELECT 1", "ALTER TABLE a ADD COLUMN b boolean NOT NULL"])

    assert (finding.rule, finding.severity, finding.line) == (
        "squawk-adding-required-field",
        Severity.WARNING,
        2,
    )


async def test_what_this_product_answers_itself_is_silent_with_a_reason() -> None:
    """Two voices that say the same thing differently confuse."""
    assert await squawk.lint_sql(['ALTER TABLE "items" RENAME COLUMN "a" TO "b"']) == ()
    assert all(len(reason.split()) > 3 for reason in squawk.SUPPRESSED.values())


async def test_nothing_to_look_at_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan for MongoDB alone has no SQL."""
    use(monkeypatch, Path("/nonexistent/squawk"))

    assert await squawk.lint_sql([]) == ()


async def test_a_missing_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that did not run has not passed."""
    use(monkeypatch, Path("/nonexistent/squawk"))

    with pytest.raises(Refused, match="linter-missing"):
        await squawk.lint_sql(["SELECT 1"])


@pytest.mark.parametrize("script", ["echo no json", "echo '[{}]'", "exec sleep 60"])
async def test_an_unreadable_answer_or_none_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Neither a changed format nor a hanging program may pass for silence."""
    program = tmp_path / "squawk"
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(0o755)
    use(monkeypatch, program)

    with pytest.raises(Failed, match="linter-failed"):
        await squawk.lint_sql(["SELECT 1"], timeout_s=2)
