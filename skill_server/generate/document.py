"""The page beside a migration file: what changes, how each database does it, and the way back."""

import re
from collections.abc import Iterator
from pathlib import Path

from skill_server.generate import functions
from skill_server.generate.migration import Migration
from skill_server.generate.model_diff import model_diff
from skill_server.generate.write import replace
from skill_server.model.finding import FORECAST_RULES
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step, Way

_FIRST_LINE = re.compile(r"<!-- migration-digest: ([0-9a-f]{32}) -->\n")
_TITLES = {BackendKind.POSTGRES: ("PostgreSQL", "sql"), BackendKind.MONGODB: ("MongoDB", "js")}
_MEANING = {
    Hazard.BLOCKS_READS: "nobody can read the entity meanwhile",
    Hazard.BLOCKS_WRITES: "nobody can write to the entity meanwhile",
    Hazard.REWRITES: "every record is written anew",
    Hazard.SCANS: "every record is read",
    Hazard.RETIRES_DATA: "data goes out of sight and is kept",
    Hazard.DELETES_DATA: "data is deleted for good",
    Hazard.BREAKS_OLD_CODE: "code that uses the old name stops working",
    Hazard.LOSES_PRECISION: "values may lose digits; the old ones are kept",
    Hazard.WEAKENS_CONSTRAINT: "a rule about the data holds no longer",
    Hazard.NOT_ATOMIC: "it is done record by record, not at one moment",
}
_WAITING = {
    Lock.ROW_EXCLUSIVE: "readers and writers go on, changes of the schema wait",
    Lock.SHARE_UPDATE_EXCLUSIVE: "readers and writers go on, changes of the schema wait",
    Lock.SHARE: "readers go on, writers wait",
    Lock.SHARE_ROW_EXCLUSIVE: "readers go on, writers wait",
    Lock.ACCESS_EXCLUSIVE: "readers and writers wait",
}
_CHECKLIST = (
    "Both databases are detected, and the plan has steps for both or says why not.",
    "A backup of both is taken, restored and compared.",
    "The plan was rehearsed on copies: up, down and up again, and the project's tests passed on both.",
    "Nothing in the code uses a removed or renamed name, or each such name is acknowledged.",
    "The models match the schema after the upgrade.",
    "A person approved the plan.",
    "The upgrade was verified.",
)


def documented_digest(path: Path) -> str | None:
    """Return the digest of the migration that a page was made from; None where there is no such page or digest."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            match = _FIRST_LINE.fullmatch(file.readline(200))
    except OSError:
        return None
    return match.group(1) if match else None


def write_page(migration: Migration, plan: Plan, directory: Path) -> Path:
    """Write the page of a migration beside its file, in place of an older one, and return its path.

    Raises:
        Refused: the folder cannot be written (`migration-not-writable`).
    """
    path = directory / f"{migration.revision}.md"
    replace(path, page(migration, plan))
    return path


def page(migration: Migration, plan: Plan) -> str:
    """Return the page of a migration; raise ValueError where the plan is of another migration."""
    if plan.subject != migration.digest:
        raise ValueError("the plan was made from another state of the migration")
    lines = [
        f"<!-- migration-digest: {migration.digest} -->",
        f"# {_text(migration.summary)}",
        "",
        f"Revision `{migration.revision}`, "
        + (f"after `{migration.down_revision}`." if migration.down_revision else "the first."),
        "",
        f"**Reason:** {_text(migration.reason)}",
        "",
        "This page is made from the migration file; change the file, not the page.",
        "",
        "## What changes",
        "",
        *(f"- {_text(change.describe())}" for change in migration.changes),
        *(f"- {_acknowledged(name)}: {_text(why)}" for name, why in migration.acknowledged.items()),
        "",
        *_functions(migration),
        "## Models",
        "",
        "The entities as SQLAlchemy 2 classes, before and after the upgrade:",
        "",
        *_fenced("diff", model_diff(plan).rstrip("\n")),
        "",
        "## Upgrade",
        "",
        *_direction(migration, plan, forward=True),
        "## Rollback",
        "",
        "The downgrade runs these steps, last change first. It brings back what the upgrade hid or converted, and "
        "keeps aside what was written meanwhile.",
        "",
        *_direction(migration, plan, forward=False),
        "## Checklist",
        "",
        *(f"- [ ] {line}" for line in _CHECKLIST),
    ]
    return "\n".join(lines) + "\n"


def _acknowledged(name: str) -> str:
    if name in FORECAST_RULES:
        return f"The finding `{name}` of a rehearsal is accepted"
    return f"The name {_text(name)} may stay in code"


def _functions(migration: Migration) -> Iterator[str]:
    for source in functions.named(migration.changes).values():
        yield "This function gives the new values. It runs apart from the server, and sees nothing but the record:"
        yield ""
        yield from (*_fenced("python", source), "")


def _fenced(language: str, content: str) -> tuple[str, str, str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", content)), default=0))
    return (f"{fence}{language}", content, fence)


def _direction(migration: Migration, plan: Plan, *, forward: bool) -> Iterator[str]:
    for backend, (title, language) in _TITLES.items():
        yield f"### {title}"
        yield ""
        if backend in migration.not_applicable:
            yield f"Takes no part: {_text(migration.not_applicable[backend])}"
            yield ""
        steps = plan.of(backend)
        for step in steps if forward else reversed(steps):
            yield from _step(step, step.forward if forward else step.back, language)


def _step(step: Step, way: Way | None, language: str) -> Iterator[str]:
    if way is None:
        yield f"**{_text(step.id)}**: nothing brings this back but a restore from backup."
        yield ""
        return
    yield f"**{_text(step.id)}** ({step.phase}): {_text(way.summary)}"
    yield ""
    locks = sorted({statement.lock for statement in way.statements if statement.lock is not Lock.NONE})
    yield from (f"- Lock: {lock}: {_WAITING[lock]}" for lock in locks)
    yield from (f"- Hazard: {hazard}: {_MEANING[hazard]}" for hazard in way.hazards)
    yield from (f"- Before: no {_text(probe.message)}" for probe in way.before)
    yield from (f"- After: no {_text(probe.message)}" for probe in way.after)
    if locks or way.hazards or way.before or way.after:
        yield ""
    if not way.statements:
        return
    # Each ends as its own shell wants it, so that a reader can try one there.
    content = "\n\n".join(f"{statement.text};" for statement in way.statements)
    yield from (*_fenced(language, content), "")


def _text(words: str) -> str:
    # Names come from databases: they must not become markup, nor end the comment that holds the digest.
    escaped = re.sub(r"([\\`*_\[\]|#])", r"\\\1", words)
    return " ".join(escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
