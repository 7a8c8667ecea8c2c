"""What a reader of a result sees of a plan, a checklist or a finding: harmless text, and lists that end.

A result must fit into an assistant's context, so statements are cut, lists stop at a size, and both say so.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import islice

from skill_server.approve.code import code_of
from skill_server.approve.question import LONGEST_LINE, shown
from skill_server.gate.verdict import Checklist
from skill_server.model.base import JsonObject
from skill_server.model.finding import Finding
from skill_server.model.hazard import Lock
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.receipt import Event
from skill_server.model.snapshot import Snapshot

LONGEST_STATEMENT = 2_000
STEPS_BYTES = 7_000
FINDINGS_BYTES = 3_000
MOST_PROBLEMS = 5


def capped(items: Iterable[JsonObject], size: int) -> tuple[list[JsonObject], int]:
    """Return the first items whose JSON fits into `size` bytes, at least one, and how many were left out."""
    kept: list[JsonObject] = []
    used, omitted = 0, 0
    for item in items:
        used += len(json.dumps(item))
        if kept and used > size:
            omitted += 1
        else:
            kept.append(item)
    return kept, omitted


def plan_view(plan: Plan, snapshots: Mapping[BackendKind, Snapshot]) -> JsonObject:
    """Return a plan for reading: its steps in order, with the commands that run and what they do to others."""
    steps, omitted = capped((_step(step, snapshots) for step in plan.steps), STEPS_BYTES)
    view: JsonObject = {
        "kind": plan.kind,
        "revision": plan.revision,
        "backup_label": plan.backup_label,
        "environment": plan.target.environment,
        "steps": steps,
        "steps_total": len(plan.steps),
        "steps_omitted": omitted,
        "not_applicable": {kind: shown(reason) for kind, reason in plan.not_applicable.items()},
        "retired_names": list(plan.retired_names[:100]),
    }
    if plan.revision:
        view["document"] = f"{plan.revision}.md in the migrations folder holds every statement in full"
    return view


def _step(step: Step, snapshots: Mapping[BackendKind, Snapshot]) -> JsonObject:
    entity = snapshots[step.backend].entity(step.entity)
    return {
        "id": shown(step.id),
        "backend": step.backend,
        "entity": shown(step.entity),
        "phase": step.phase,
        "summary": shown(step.forward.summary),
        "statements": [
            {
                "text": statement_text(statement.text),
                **({} if statement.lock is Lock.NONE else {"lock": statement.lock}),
            }
            for statement in step.forward.statements
        ],
        **_computed(step),
        "hazards": list(step.hazards),
        "records_estimate": entity.records if entity else None,
        "reversible": step.back is not None,
    }


def _computed(step: Step) -> JsonObject:
    """Return what a move of values computes, which its one statement only names."""
    code = code_of(step) if step.forward.flow is not None else ()
    return {"computes": [statement_text(text) for text in code]} if code else {}


def statement_text(text: str) -> str:
    """Return a statement as people read it: its line ends kept, other unprintable characters escaped, cut if long."""
    plain = "".join(
        character if character.isprintable() or character == "\n" else f"\\u{ord(character):04x}"
        for character in islice(text, LONGEST_STATEMENT)
    )
    if len(text) <= LONGEST_STATEMENT:
        return plain
    return f"{plain}… ({len(text)} characters; the migration's .md file holds all of them)"


def finding_views(findings: Iterable[Finding]) -> tuple[list[JsonObject], int]:
    """Return findings for reading, and how many were left out."""
    return capped(
        (
            {
                "rule": finding.rule,
                "severity": finding.severity,
                "message": shown(finding.message),
                "help": shown(finding.help),
                **({"backend": finding.backend} if finding.backend else {}),
                **({"file": shown(finding.file), "line": finding.line} if finding.file else {}),
            }
            for finding in findings
        ),
        FINDINGS_BYTES,
    )


def checklist_view(checklist: Checklist) -> list[JsonObject]:
    """Return the checklist for reading; how to satisfy a line is said where it does not hold."""
    return [
        {
            "id": item.id,
            "title": item.title,
            "state": item.state,
            "evidence": shown(item.evidence),
            **({"how_to_satisfy": item.how_to_satisfy} if item.how_to_satisfy else {}),
        }
        for item in checklist.items
    ]


def outcome_view(outcome: Event) -> JsonObject:
    """Return what the ledger says of an applied plan."""
    checks = outcome.body.get("checks", {}).get("checks", [])
    return {
        "result": outcome.body.get("result", outcome.kind),
        "at": outcome.at.isoformat(),
        "ledger_entry": outcome.seq,
        "checks": [
            {"check": check["check"], "passed": check["passed"], "proven": shown(check["proven"])}
            for check in checks
        ],
        "differences": texts(outcome.body.get("differences", ())),
        **({"hidden": texts(hidden["lines"])} if (hidden := outcome.body.get("hidden")) else {}),
    }


def texts(lines: Iterable[str], *, longest: int = LONGEST_LINE) -> list[str]:
    """Return the first few lines made harmless, and one that counts the rest."""
    lines = list(lines)
    more = [f"and {len(lines) - MOST_PROBLEMS} more"] if len(lines) > MOST_PROBLEMS else []
    return [shown(line, longest) for line in lines[:MOST_PROBLEMS]] + more
