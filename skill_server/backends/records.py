"""Records as plain values, read and written in batches: what `run.flow` asks of both databases.

Values are None, bool, int, float, `Decimal`, str, bytes, `date`, `datetime` (aware where the database knows the offset
or UTC), `UUID`, lists and dictionaries of them, and `Native` for what only one database has. A field that a document
misses is missing from the dictionary; PostgreSQL has every field. Fields and entities go by their logical names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from skill_server.model.flow import Expressions

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Native:
    """A value of a type that only one database has, such as an ObjectId: its text, and the driver's own value."""

    text: str
    value: Any = field(compare=False)


@dataclass(frozen=True)
class Record:
    """One record as it was read.

    `key` finds it again and says nothing else; `shown` is the key as people read it. `computed` holds the results of
    expressions, `problem` why they could not be computed. `written` says that, against what `kept` remembers, somebody
    wrote to it since: its values are not the new ones that were kept, or nothing is kept of it.
    """

    key: str
    shown: str
    values: Values
    computed: Values = field(default_factory=dict[str, Any])
    problem: str | None = None
    written: bool = True


@dataclass(frozen=True)
class Edit:
    """New values for one record, written only while the fields in `read` still hold what was read."""

    key: str
    read: Values
    write: Values


class Records(Protocol):
    """Reading and writing the records of one database in batches.

    Writing is durable when it returns (`w: majority, j: true`), and every call may be repeated. Triggers of the
    database's own do not see what is written here. Drivers' errors become those of `backends.base`.
    """

    async def page(
        self,
        entity: str,
        fields: Sequence[str],
        *,
        after: str | None,
        limit: int,
        expressions: Expressions | None = None,
        kept: str | None = None,
    ) -> list[Record]:
        """Return up to `limit` records in the order of their keys, after the record of key `after`."""
        ...

    async def find(self, entity: str, by: str, values: Sequence[Any], fields: Sequence[str]) -> list[Record]:
        """Return the records whose field `by` (part of `values` of each result) equals one of these values, by key.

        A value that the other database wrote (an ObjectId as text, say) is compared in the type of the field.
        """
        ...

    async def keep(self, kept: str, entity: str, fields: Sequence[str]) -> None:
        """Create the store of old and new values of these fields, or do nothing where it exists."""
        ...

    async def update(self, entity: str, kept: str | None, edits: Sequence[Edit]) -> int:
        """Write values, first keeping the old and new ones where `kept` names a store; return how many were written.

        The first old value of a record is the one that stays kept, unless the application wrote another meanwhile. An
        edit that changes nothing is remembered too; it counts as written.
        """
        ...

    async def revert(self, entity: str, kept: str, fields: Sequence[str], batch: int) -> None:
        """Give each record that still holds its new values the old ones (missing ones go missing); drop the store."""
        ...

    async def unchanged(self, entity: str, kept: str, keys: Sequence[str]) -> frozenset[str]:
        """Return those keys whose records are kept in the store and still hold its new values."""
        ...

    async def release(self, entity: str, kept: str, keys: Sequence[str] | None) -> None:
        """Forget what is kept of these records, or drop the store where `keys` is None; both may be gone already."""
        ...

    async def insert(self, entity: str, kept: str, key: Sequence[str], records: Sequence[Values]) -> int:
        """Make the records whose `key` fields no record has yet, keeping their keys and values; return how many."""
        ...

    async def withdraw(self, entity: str, kept: str, batch: int) -> None:
        """Delete the made records that are still as they were made, then drop the store."""
        ...
