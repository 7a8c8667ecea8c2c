"""What every change an author may ask for has in common; the changes themselves are one file each in `changes/`."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from skill_server.model.action import Action
from skill_server.model.base import Frozen
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class Change(Frozen):
    """One declarative schema change on one entity.

    Subclasses add a literal `kind` equal to their file's name and never do input or output.
    """

    undo_only: ClassVar[bool] = False
    # Any, because each subclass narrows it to its own literal.
    kind: Any
    entity: Name

    @abstractmethod
    def expand(self) -> Iterator[Action]:
        """Yield the actions that carry the change out, in order."""

    @abstractmethod
    def inverse(self) -> "Change":
        """Return the change that a downgrade lists for this one; `changes.undoing` makes one for any change."""

    def finalize(self) -> Iterator[Action]:
        """Yield the actions that delete what the change only hid; by default nothing is hidden."""
        yield from ()

    @abstractmethod
    def describe(self) -> str:
        """Say in one sentence, for people, what changes."""

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield what makes the change impossible on a database that looks like `snapshot`."""
        yield from ()

    def new_names(self) -> tuple[str, ...]:
        """Return the names the change gives to new things; an upgrade may only give names that need no quotes."""
        return ()

    def retired_names(self) -> frozenset[str]:
        """Return the identifiers that application code must no longer use once the change is applied."""
        return frozenset()
