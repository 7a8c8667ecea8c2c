"""What a review found, in one format for every rule and both databases."""

from enum import StrEnum

from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind

# What only a rehearsal can find. A migration may acknowledge these by name, like a name that goes away.
BLOCKS_LONGER, RUNS_LONGER = "blocks-longer-than-policy", "runs-longer-than-policy"
FORECAST_RULES = frozenset({BLOCKS_LONGER, RUNS_LONGER})


class Severity(StrEnum):
    """How much a finding weighs: an error blocks, a warning is shown, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(Frozen):
    """One thing a reader should know; `message` says what breaks and for whom, `help` is one order."""

    rule: str
    severity: Severity
    message: str
    help: str
    backend: BackendKind | None = None
    step: str | None = None
    file: str | None = None
    line: int | None = None
    name: str | None = None
