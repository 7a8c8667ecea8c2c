"""What of a step only a reader can judge: statements that an author wrote, functions and expressions."""

import json
from collections.abc import Iterator

from skill_server.model.action import RunRaw
from skill_server.model.flow import Assignment, Copy, Expressions, Flow, Formula
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Step

# What surrounds an author's statements begins so; they themselves never do.
_OURS = "SET "


def flow_of(step: Step) -> Flow | None:
    """Return the move of values that a step is forward, if it is one."""
    return next((each.flow for each in step.forward.statements if each.flow is not None), None)


def code_of(step: Step) -> tuple[str, ...]:
    """Return the code that a step runs forward, as it was written; none for what this product makes itself."""
    if isinstance(step.action, RunRaw):
        return tuple(each.text for each in step.forward.statements if not each.text.startswith(_OURS))
    flow = flow_of(step)
    return tuple(dict.fromkeys(_computed(flow, step.backend))) if flow is not None else ()


def _computed(flow: Flow, backend: BackendKind) -> Iterator[str]:
    match flow.operation:
        case "update":
            yield from _assigned(flow.forward, backend)
        case "revert":
            yield from _assigned(flow.backward, backend)
        case "copy" if flow.copy_of is not None:
            yield from _mapped(flow.copy_of)
        case _:
            pass


def _assigned(assignment: Assignment | None, backend: BackendKind) -> Iterator[str]:
    if assignment is None:
        return
    if (lookup := assignment.lookup) is not None:
        taken = ", ".join(lookup.fields)
        yield f"{taken} of {lookup.entity}, where its {lookup.theirs} equals {lookup.own}"
    if assignment.formula is not None:
        yield from _formula(assignment.formula, backend)


def _formula(formula: Formula, backend: BackendKind) -> Iterator[str]:
    if not isinstance(formula, Expressions):
        yield formula.source
        return
    halves = {BackendKind.POSTGRES: formula.postgres, BackendKind.MONGODB: formula.mongodb}
    for field, expression in halves[backend].items():
        text = expression if isinstance(expression, str) else json.dumps(expression, ensure_ascii=False)
        yield f"{field} = {text}"


def _mapped(copy: Copy) -> Iterator[str]:
    yield ", ".join(f"{new} = {old}" if new != old else new for new, old in copy.mapping.items())
    if copy.formula is not None:
        yield copy.formula.source
