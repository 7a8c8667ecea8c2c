"""What a move of values computes, in lines that people read."""

import json
from collections.abc import Iterator

from skill_server.model.flow import Assignment, Copy, Expressions, Flow, Formula, Function
from skill_server.model.ids import BackendKind


def lines(flow: Flow, backend: BackendKind, *, whole: bool = True) -> Iterator[str]:
    """Yield how a move computes, as its author wrote it; without `whole` a function is only named."""
    match flow.operation:
        case "update":
            yield from _assigned(flow.forward, backend, whole=whole)
        case "revert":
            yield from _assigned(flow.backward, backend, whole=whole)
        case "copy" if flow.copy_of is not None:
            yield from _mapped(flow.copy_of, whole=whole)
        case _:
            pass


def _assigned(assignment: Assignment | None, backend: BackendKind, *, whole: bool) -> Iterator[str]:
    if assignment is None:
        return
    if (lookup := assignment.lookup) is not None:
        taken = ", ".join(lookup.fields)
        yield f"{taken} of {lookup.entity}, where its {lookup.theirs} equals {lookup.own}"
    if assignment.formula is not None:
        yield from _formula(assignment.formula, backend, whole=whole)


def _formula(formula: Formula, backend: BackendKind, *, whole: bool) -> Iterator[str]:
    if not isinstance(formula, Expressions):
        yield _function(formula, whole=whole)
        return
    halves = {BackendKind.POSTGRES: formula.postgres, BackendKind.MONGODB: formula.mongodb}
    for field, expression in halves[backend].items():
        text = expression if isinstance(expression, str) else json.dumps(expression, ensure_ascii=False)
        yield f"{field} = {text}"


def _mapped(copy: Copy, *, whole: bool) -> Iterator[str]:
    yield ", ".join(f"{new} = {old}" if new != old else new for new, old in copy.mapping.items())
    if copy.formula is not None:
        yield _function(copy.formula, whole=whole)


def _function(function: Function, *, whole: bool) -> str:
    return function.source if whole else f"by the function {function.name}"
