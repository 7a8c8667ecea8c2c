"""Comparing copied records with those they were made of: counts, a keyed hash of each field, and what differs."""

import hashlib
from collections.abc import Sequence
from typing import Any

from skill_server.backends.pair import Pair
from skill_server.backends.records import Values
from skill_server.model.base import Frozen
from skill_server.model.flow import Copy
from skill_server.model.ids import BackendKind
from skill_server.run.fitting import Fitting
from skill_server.run.making import Made, Making
from skill_server.run.sameness import canonical

_LISTED = 20
_MODULUS = 2**64


class Reconciliation(Frozen):
    """What a comparison found.

    `expected` records the source makes, `found` of them are there, `others` are there besides. A hash of a field is a
    sum over all records, keyed by the record, so it does not depend on order and notices values that changed places.
    """

    expected: int
    found: int
    others: int
    source_hashes: dict[str, str]
    target_hashes: dict[str, str]
    differing: int
    differences: tuple[str, ...]


async def reconcile(
    pair: Pair, target: BackendKind, entity: str, copy: Copy, batch: int = 500
) -> Reconciliation:
    """Compare the records of `entity` in one database with what a copy makes of its source now.

    A field that the source leaves out may have the default of the target.

    Raises:
        Refused: an entity is missing, or the function of the copy was stopped.
    """
    found = _Comparison(pair, target, entity, copy)
    async with Making(pair, target, copy) as making:
        fitting = Fitting(await pair[target].inspect(), entity)
        async for _, made in making.pages(batch):
            for begin in range(0, len(made), batch):
                await found.compare(made[begin : begin + batch], fitting)
    return await found.report(batch)


class _Comparison:
    def __init__(self, pair: Pair, target: BackendKind, entity: str, copy: Copy) -> None:
        self._records = pair[target].records
        self._entity = entity
        self._copy = copy
        self._expected = self._found = self._differing = 0
        self._differences: list[str] = []
        self._hashes = (dict.fromkeys(copy.mapping, 0), dict.fromkeys(copy.mapping, 0))

    async def compare(self, made: Sequence[Made], fitting: Fitting) -> None:
        """Look for what a part of the source makes."""
        key, fields = self._copy.key, list(dict.fromkeys([*self._copy.mapping, *self._copy.key]))
        wanted = [each.values for each in made if each.values is not None]
        there = await self._records.find(self._entity, key[0], [values[key[0]] for values in wanted], fields)
        by_key = {keyed(record.values, key): record.values for record in there}
        for each in made:
            self._expected += 1
            if each.values is None:
                self._differ(each.shown, each.problem or "nothing is made of it")
                continue
            self._one(each.values, by_key.get(keyed(each.values, key)), fitting)

    def _one(self, values: Values, held: Values | None, fitting: Fitting) -> None:
        identity = keyed(values, self._copy.key)
        shown = ", ".join(str(values.get(field)) for field in self._copy.key)
        source, target = self._hashes
        if held is None:
            self._differ(shown, "is missing")
            return
        self._found += 1
        wrong: list[str] = []
        for field in self._copy.mapping:
            ours = canonical(values.get(field), coarse=True)
            theirs = canonical(held.get(field), coarse=True)
            if field not in values and fitting.default(field):
                theirs = ours
            source[field] = (source[field] + _hash(identity, ours)) % _MODULUS
            target[field] = (target[field] + _hash(identity, theirs)) % _MODULUS
            if ours != theirs:
                wrong.append(field)
        if wrong:
            self._differ(shown, f"differs in {', '.join(wrong)}")

    def _differ(self, shown: str, what: str) -> None:
        self._differing += 1
        if len(self._differences) < _LISTED:
            self._differences.append(f"{shown}: {what}")

    async def report(self, batch: int) -> Reconciliation:
        """Count the target and say what was found."""
        total, after = 0, None
        while page := await self._records.page(self._entity, [], after=after, limit=batch):
            total, after = total + len(page), page[-1].key
        source, target = self._hashes
        return Reconciliation(
            expected=self._expected,
            found=self._found,
            others=max(total - self._found, 0),
            source_hashes={field: f"{value:016x}" for field, value in source.items()},
            target_hashes={field: f"{value:016x}" for field, value in target.items()},
            differing=self._differing,
            differences=tuple(self._differences),
        )


def keyed(values: Values, key: Sequence[str]) -> str:
    """Return the one spelling of a record's key."""
    parts: list[Any] = [canonical(values.get(field), coarse=True) for field in key]
    return "\n".join(parts)


def _hash(identity: str, value: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{identity}\n\n{value}".encode(), digest_size=8).digest())
