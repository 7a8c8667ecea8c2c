"""What a precondition answers, and the checklist that all answers make."""

from enum import StrEnum
from typing import Any

from skill_server.model.base import Frozen


class State(StrEnum):
    """Where a line of the checklist stands."""

    MET = "met"
    UNMET = "unmet"
    NOT_APPLICABLE = "not_applicable"


class Verdict(Frozen):
    """The answer of one precondition: `evidence` says what proves it, or what is missing."""

    state: State
    evidence: str
    code: str | None = None
    help: str | None = None
    next_tool: str | None = None
    next_args: dict[str, Any] = {}


def met(evidence: str) -> Verdict:
    """The fact holds, and this proves it."""
    return Verdict(state=State.MET, evidence=evidence)


def not_applicable(reason: str) -> Verdict:
    """The fact means nothing here, for this reason."""
    return Verdict(state=State.NOT_APPLICABLE, evidence=reason)


def unmet(code: str, message: str, *, help: str, next_tool: str | None = None, **next_args: Any) -> Verdict:
    """The fact does not hold; `help` and the next call say how to make it hold."""
    return Verdict(
        state=State.UNMET, evidence=message, code=code, help=help, next_tool=next_tool, next_args=next_args
    )


class ChecklistItem(Frozen):
    """One line of the checklist as data."""

    id: str
    duty: str
    title: str
    state: State
    evidence: str
    how_to_satisfy: str | None = None
    code: str | None = None
    next_tool: str | None = None
    next_args: dict[str, Any] = {}


class Checklist(Frozen):
    """Every line that a stage requires, in the order in which to satisfy them."""

    items: tuple[ChecklistItem, ...]

    @property
    def missing(self) -> tuple[ChecklistItem, ...]:
        """The lines that do not hold."""
        return tuple(item for item in self.items if item.state is State.UNMET)

    @property
    def passed(self) -> bool:
        """Whether every line holds."""
        return not self.missing
