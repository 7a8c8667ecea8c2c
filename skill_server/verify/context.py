"""What a check may look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from skill_server.backends.pair import Pair
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Step
from skill_server.model.receipt import Checksums
from skill_server.model.snapshot import Snapshot


class Depth(IntEnum):
    """How much a verification reads: the catalog, the counts, or every value."""

    QUICK = 1
    COUNTS = 2
    FULL = 3


@dataclass(frozen=True)
class Context:
    """The pair as it is now, and what is known of it from before.

    `expected` are the fingerprints the pair should have; `before` and `after` content checksums around a change whose
    `touched` fields may differ; `quiet` says that no other client was connected meanwhile.
    """

    pair: Pair
    snapshots: Mapping[BackendKind, Snapshot]
    expected: Mapping[BackendKind, str] | None = None
    steps: tuple[Step, ...] = ()
    before: Mapping[BackendKind, Checksums] | None = None
    after: Mapping[BackendKind, Checksums] | None = None
    touched: frozenset[str] = frozenset()
    quiet: bool = True
