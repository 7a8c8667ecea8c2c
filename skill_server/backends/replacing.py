"""What both databases promise of restores: what one would hide, what would stop it, and the switch itself."""

from pathlib import Path
from typing import Protocol

from skill_server.backends.sealing import Seal
from skill_server.model.base import Frozen
from skill_server.model.receipt import DumpResult


class KeptThing(Frozen):
    """Something kept for a downgrade: a hidden field, an entity or a store of values, as the database calls it."""

    name: str
    records: int
    size_bytes: int


class Written(Frozen):
    """What was written to an entity since a backup: its records then and now, and how many are new or changed.

    None stands for what cannot be known; `how` says in words what the numbers rest on.
    """

    entity: str
    records_then: int
    records_now: int | None
    changed: int | None
    how: str

    @property
    def is_nothing(self) -> bool:
        """Say whether it is certain that nothing was written."""
        return self.changed == 0 and self.records_now == self.records_then


class Replacing(Protocol):
    """The part of a `Backend` that lets a loaded copy take its place."""

    async def replaced(self) -> tuple[KeptThing, ...]:
        """List the old content that restores put aside, with its size; PostgreSQL does not count its records."""
        ...

    async def written_since(self, dump: DumpResult) -> tuple[Written, ...]:
        """Say of each entity what was written since a dump of this database, and so what restoring it would hide.

        It may read everything there is, but ends in bounded time; "nothing" is only said where it is certain.
        """
        ...

    async def views_since(self, directory: Path, *, seal: Seal | None = None) -> tuple[str, ...]:
        """Name the views that are not, or not like this, in the backup of a directory, where no fingerprint tells it.

        Raises:
            Failed: the directory does not hold the backup that was written.
        """
        ...

    async def require_replaceable(self, copy: str | None = None) -> None:
        """Check everything that would stop `replace_with`, of this database and, where it is loaded, of the copy.

        Raises:
            Refused: it could not be replaced; the message names what stands in the way.
            Conflict: another client is at work in a database whose sessions the switch cannot end.
        """
        ...

    async def require_restorable(self, directory: Path, probe: str, *, seal: Seal | None = None) -> None:
        """Check, before a backup is loaded to take this database's place, what its directory tells of that in advance.

        `probe` names a scratch database that may be made for it, and is dropped again.

        Raises:
            Refused: a copy of it would be refused later; the message names why.
            Failed: the directory does not hold the backup that was written.
        """
        ...

    async def replace_with(self, copy: str) -> None:
        """Put the content of the scratch database `copy` in place of this one, keeping the ledger.

        The old content stays on the server under another name until a person drops it.
        """
        ...

    async def copy_id(self) -> str:
        """Return what tells this scratch database from every other that had or will have its name.

        One that is not there, or died while it was being made, has nothing of the kind.
        """
        ...

    async def is_replaced_with(self, copy: str, copy_id: str) -> bool:
        """Say whether what answers here is the copy of this name and id, so that its switch is done."""
        ...
