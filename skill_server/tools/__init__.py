"""The tools, one file each, found by listing this folder; the server and the command line call the same functions.

Nothing here imports the protocol, and nothing heavy at the top: listing the tools must stay fast, so a tool imports
what it needs when it is called.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from skill_server.model.base import Frozen, JsonObject
from skill_server.model.ids import PlanId
from skill_server.workflow import WORKFLOW

TargetName = Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="a configured target")]
PlanChoice = Annotated[
    PlanId | None, Field(description="a plan this tool showed: apply exactly that one; without it, only show")
]


class Result(Frozen):
    """What every tool answers: `next_tool` with `next_args` is the call that continues the work."""

    ok: bool = True
    tool: str
    target: str | None = None
    summary: str
    next_tool: str | None = None
    next_args: JsonObject = {}


class PlanResult(Result):
    """A plan that was shown, or what came of applying it.

    `plan` holds its steps for both databases, `checklist` what must hold before it may run, `missing` what does not.
    """

    state: Literal["shown", "applied", "nothing_to_do"]
    plan_id: PlanId | None = None
    plan: JsonObject | None = None
    findings: list[JsonObject] = []
    findings_omitted: int = 0
    checklist: list[JsonObject] = []
    missing: list[str] = []
    outcome: JsonObject | None = None
    operation_id: str | None = None


@dataclass(frozen=True)
class Tool:
    """A tool as its module describes it; `run` takes the application, the arguments, and whom to report progress to."""

    name: str
    title: str
    description: str
    read_only: bool
    destructive: bool
    idempotent: bool
    long: bool
    applies: bool
    run: Callable[..., Awaitable[Result]]
    result: type[Result]


def discovered() -> tuple[Tool, ...]:
    """Return every tool: those of the workflow in its order, then the others by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    order = [stage.tool for stage in WORKFLOW]
    names.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(_described(name) for name in names)


def _described(name: str) -> Tool:
    module: Any = importlib.import_module(f"{__name__}.{name}")
    run = getattr(module, name)
    return Tool(
        name=name,
        title=module.TITLE,
        description=module.DESCRIPTION,
        read_only=module.READ_ONLY,
        destructive=module.DESTRUCTIVE,
        idempotent=module.IDEMPOTENT,
        long=module.LONG,
        applies=module.APPLIES,
        run=run,
        result=run.__annotations__["return"],
    )
