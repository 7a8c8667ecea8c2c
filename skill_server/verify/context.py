"""What a check may look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from skill_server.backends.base import Defect
from skill_server.backends.pair import Pair
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Step
from skill_server.model.receipt import Checksums
from skill_server.model.snapshot import Snapshot
from skill_server.verify.parts import Parts


class Depth(IntEnum):
    """How much a verification reads: the catalog, the counts, or every value."""

    QUICK = 1
    COUNTS = 2
    FULL = 3


@dataclass(frozen=True)
class Compared:
    """What was compared outside of the databases, by the rooms that may read files: what holds, and what does not."""

    proven: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """The pair as it is now, and what is known of it from before; a check is silent where it knows nothing.

    `expected` are the fingerprints the pair should have, `recorded` what says so, in words, and `known` the parts of
    schemas that had them; `before` and `after` content checksums around a change whose `touched` fields may differ;
    `flawed` what the catalogs called unfinished before it. `quiet` says that no other client was connected meanwhile,
    and `since` names an earlier moment that `before` is of, after which the application may have written; `backup` says
    whether it can be believed. `defects` were found in the databases; `unasked` says of references why they could not
    be followed. `one_sided` entities are meant to be in one database only, `two_sided` ones in both.
    """

    pair: Pair
    snapshots: Mapping[BackendKind, Snapshot]
    expected: Mapping[BackendKind, str] | None = None
    recorded: str = "that was expected"
    known: Mapping[BackendKind, Parts] | None = None
    steps: tuple[Step, ...] = ()
    before: Mapping[BackendKind, Checksums] | None = None
    after: Mapping[BackendKind, Checksums] | None = None
    touched: frozenset[str] = frozenset()
    flawed: frozenset[str] = frozenset()
    quiet: bool = True
    since: str | None = None
    defects: Mapping[BackendKind, tuple[Defect, ...]] | None = None
    unasked: tuple[str, ...] = ()
    backup: Compared | None = None
    files: Compared | None = None
    models: Compared | None = None
    one_sided: frozenset[str] = frozenset()
    two_sided: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether what differs from before can only be the change's own doing."""
        return self.quiet and self.since is None

    @property
    def watch(self) -> str:
        """In words, how still the databases were."""
        return "while no other client was connected" if self.quiet else "while other clients were connected"
