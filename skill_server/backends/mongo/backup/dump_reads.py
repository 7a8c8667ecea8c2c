"""Reading for a dump: once in a snapshot that lasts, else twice, so that a change in between is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from skill_server.backends.base import Progress
from skill_server.backends.mongo.backup.content_file import Sums, Taken, Whole, read_content
from skill_server.backends.mongo.backup.dump_files import DumpFiles, described_of
from skill_server.backends.mongo.backup.history import forecast_of
from skill_server.backends.mongo.backup.moments import Moment, moment_of_server, moment_of_snapshot
from skill_server.backends.mongo.backup.reading import SnapshotLost, Turns, isolates, open_snapshot
from skill_server.backends.mongo.backup.together import AT_ONCE, together
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.expiry import expires
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.inspect import fingerprint as fingerprint_of
from skill_server.backends.mongo.schema.listing import Collection, listing
from skill_server.backends.mongo.verify.checksum import Tally, entity_of
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums, DumpResult, FieldChecksums

DUMP_ATTEMPTS = 3
MOST_NAMED = 5
IN_SNAPSHOT = "MongoDB driver, one snapshot session"
QUIET = "MongoDB driver, two equal reads of a quiet database"
NOT_POINT_IN_TIME = "MongoDB driver, not point in time: the database was written to while it was read"


@dataclass(frozen=True)
class Reading:
    """How everything was read, when, and what was there."""

    tool: str
    point_in_time: bool
    moment: Moment
    found: tuple[Collection, ...]


class DumpReads:
    """One run over a database: what each collection added up to so far."""

    def __init__(
        self,
        connections: Connections,
        names: NameMap,
        files: DumpFiles,
        progress: Progress,
        *,
        size_bytes: int,
        records: int,
    ) -> None:
        """`size_bytes` and `records` are what the server says of the whole database, our own collections included."""
        self._connections = connections
        self._names = names
        self._files = files
        self._progress = progress
        self._size_bytes = size_bytes
        self._records = records
        self._whole: dict[str, Whole] = {}
        self._sums: dict[str, FieldChecksums] = {}
        self._done: dict[tuple[str, str], int] = {}
        self._rounds = 1

    async def all(self) -> Reading:
        """Write every collection, in the safest way that this server allows."""
        if not await isolates(self._connections):
            return await self.twice()
        found = await self._largest_first(await listing(self._connections))
        largest = next((item.name for item in found if item.holds_documents), None)
        expected = await forecast_of(self._connections, self._size_bytes, largest)
        if not expected.fits:
            await self._progress(0, None, f"reading twice: {expected}; {expected.advice()}")
            return await self.twice(because=str(expected))
        try:
            async with open_snapshot(self._connections) as session:
                return await self.once(session)
        except SnapshotLost:
            self._forget(self._files.names())
            await self._progress(0, None, f"reading twice: the server lost the snapshot; {expected.advice()}")
            return await self.twice(because="the server lost the snapshot")

    async def once(self, session: Any) -> Reading:
        """Write all collections in a snapshot, read one after another.

        The schema is outside of the snapshot and must stay the same.

        Raises:
            SnapshotLost: the server cannot read all of it in the snapshot.
        """
        moment = moment_of_snapshot(session) or await moment_of_server(self._connections)
        found = await listing(self._connections)
        self._begin_round(1)
        turns = Turns(session)
        await together(partial(self._write, turns=turns, summed=True), found, at_once=turns.workers)
        # Compared with UUIDs: a collection dropped and made again would be missing in the snapshot.
        unchanged = described_of(await listing(self._connections)) == described_of(found)
        return Reading(IN_SNAPSHOT if unchanged else NOT_POINT_IN_TIME, unchanged, moment, found)

    async def twice(self, *, because: str = "") -> Reading:
        """Write all collections, read them again, and write anew those that changed meanwhile.

        The second read gives the sums, once it is known to be of the same documents.
        """
        reason = f" ({because})" if because else ""
        busy: set[str] = set()
        for attempt in range(1, DUMP_ATTEMPTS + 1):
            found = await listing(self._connections)
            if AT_ONCE > 1:
                # No reader is left alone with the largest at the end.
                found = await self._largest_first(found)
            busy |= {item.name for item in found if expires(item.options, item.indexes)}
            # The busy are written last and read again first: only their own reading must fit between two such writes.
            found = tuple(sorted(found, key=lambda item: item.name in busy))
            self._begin_round(2)
            turns = Turns(at_once=AT_ONCE)
            self._forget(self._files.outdated(found))
            # What changed once may change until the end, and then only the sums of the writing fit the file.
            write = partial(self._write, turns=turns, summed=attempt > 1)
            await together(
                write, [item for item in found if item.name not in self._files], at_once=turns.workers
            )
            moment = await moment_of_server(self._connections)
            changed: list[str] = []
            again = partial(self._read_again, turns=turns, changed=changed)
            first = sorted(found, key=lambda item: item.name not in busy)
            await together(again, [item for item in first if item.holds_documents], at_once=turns.workers)
            if not changed and described_of(await listing(self._connections)) == described_of(found):
                return Reading(QUIET + reason, True, moment, found)
            if attempt == DUMP_ATTEMPTS:
                tool = f"{NOT_POINT_IN_TIME}: {_named(changed, found)}{reason}"
                return Reading(tool, False, await moment_of_server(self._connections), found)
            await self._progress(
                0, None, f"written to meanwhile, read anew: {', '.join(changed) or 'the schema'}"
            )
            busy.update(changed)
            self._forget(changed)
        raise AssertionError("the last attempt returns")

    async def result(self, reading: Reading) -> DumpResult:
        """Finish the files and describe the dump."""
        parts = await self._files.finish()
        written = self._files.names()
        sums = {entity_of(name, self._names): self._sums[name] for name in written if name in self._sums}
        sizes = {
            entity_of(name, self._names): self._whole[name].size_bytes
            for name in written
            if name in self._whole
        }
        return DumpResult(
            parts=parts,
            # As a listing has them: by name, and not in the order in which they were read.
            fingerprint=fingerprint_of(tuple(sorted(reading.found, key=lambda item: item.name))),
            checksums=Checksums(entities=dict(sorted(sums.items()))),
            point_in_time=reading.point_in_time,
            tool=reading.tool,
            moment=reading.moment.at,
            sizes=dict(sorted(sizes.items())),
            since=reading.moment.since(reading.found),
        )

    async def _largest_first(self, found: Sequence[Collection]) -> tuple[Collection, ...]:
        """Return collections by the server's estimate of their documents."""
        with wrapped("counting documents"):
            counts = {
                item.name: await self._connections.db()[item.name].estimated_document_count()
                for item in found
                if item.holds_documents
            }
        return tuple(sorted(found, key=lambda item: -counts.get(item.name, 0)))

    def _begin_round(self, rounds: int) -> None:
        self._rounds = rounds
        self._done = {}

    async def _write(self, item: Collection, *, turns: Turns, summed: bool) -> None:
        sums = await self._files.write(
            item,
            self._new_sums(item, summed=summed, compared=turns.session is None),
            self._told(item, "backed up"),
            turns,
        )
        if sums is not None:
            self._whole[item.name] = sums.whole
            self._keep(item, sums)

    async def _read_again(self, item: Collection, *, turns: Turns, changed: list[str]) -> None:
        """Read a collection again; where it is what was written, its sums are those of the file."""
        again = await read_content(
            self._connections,
            item.name,
            self._new_sums(item, summed=item.name not in self._sums),
            self._told(item, "compared"),
            turns,
        )
        if again.whole == self._whole[item.name]:
            self._keep(item, again)
        else:
            changed.append(item.name)

    def _new_sums(self, item: Collection, *, summed: bool, compared: bool = True) -> Callable[[], Sums]:
        nested = self._names.nested_fields(entity_of(item.name, self._names), BackendKind.MONGODB)
        return lambda: Sums(Whole(summed=compared), Tally(nested) if summed else None)

    def _keep(self, item: Collection, sums: Sums) -> None:
        if sums.tally is not None:
            entity = entity_of(item.name, self._names)
            self._sums[item.name] = sums.tally.result(entity, self._names)

    def _told(self, item: Collection, what: str) -> Taken:
        """Return what tells the progress; a read that begins anew counts from zero again."""

        async def taken(records: int) -> None:
            self._done[item.name, what] = records
            done = sum(self._done.values())
            total = float(self._rounds * self._records)
            told = sum(count for (_, action), count in self._done.items() if action == what)
            await self._progress(done, total, f"{told} documents {what}")

        return taken

    def _forget(self, names: Sequence[str]) -> None:
        self._files.forget(names)
        for name in names:
            self._sums.pop(name, None)
            self._whole.pop(name, None)


def _named(changed: Sequence[str], found: Sequence[Collection]) -> str:
    """Name what was written to, and which of it the server writes to itself."""
    expiring = {item.name for item in found if expires(item.options, item.indexes)}
    named = [
        f"{name} (its documents expire)" if name in expiring else name
        for name in sorted(changed)[:MOST_NAMED]
    ]
    return ", ".join(named) or "the schema"
