"""What of a step only a reader can judge: statements that an author wrote, functions and expressions."""

from skill_server.model import flow_text
from skill_server.model.action import RunRaw
from skill_server.model.plan import Step

# What surrounds an author's statements begins so; they themselves never do.
_OURS = "SET "


def code_of(step: Step) -> tuple[str, ...]:
    """Return the code that a step runs forward, as it was written; none for what this product makes itself."""
    if isinstance(step.action, RunRaw):
        return tuple(each.text for each in step.forward.statements if not each.text.startswith(_OURS))
    flow = step.forward.flow
    return tuple(dict.fromkeys(flow_text.lines(flow, step.backend))) if flow is not None else ()
