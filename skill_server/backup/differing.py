"""What a restored copy does not have as it was, and what of it another try would not help."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skill_server.backends.base import Backend
from skill_server.backends.pair import Pair
from skill_server.model import content

_MOST = 6
_LONGEST = 160
# What two facts must have in common at least, besides their kind, to be taken for the same one before and after.
_COMMON = 24


class Differing(NamedTuple):
    """What differs, in lines; `moved` where the database itself has another schema by now than was backed up."""

    lines: tuple[str, ...]
    moved: bool


async def differing(source: Backend, copy: Backend, dumped: str) -> Differing | None:
    """Compare the copy of a dump with its source, whose schema had this fingerprint then; None where they are equal."""
    if await copy.fingerprint() == dumped:
        return None
    if await source.fingerprint() != dumped:
        # Its facts are no longer those of the dump, so they would name what did not differ.
        return Differing((f"{source.kind}: the schema was changed after it was dumped",), moved=True)
    before, after = await source.schema_facts(), await copy.schema_facts()
    lines = list(_told(sorted(before - after), sorted(after - before)))
    more = [f"{len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return Differing(tuple(f"{source.kind}: {line}" for line in [*lines[:_MOST], *more]), moved=False)


async def triggers(differences: Sequence[content.Difference], source: Pair) -> tuple[str, ...]:
    """Name the event triggers of the databases whose content came back differently: they fire in a copy as well.

    One that fires when somebody connects has written before anything can be compared.
    """
    snapshots = {kind: await source[kind].inspect() for kind in {item.backend for item in differences}}
    names = content.suspects(differences, snapshots)
    said = ", ".join(_harmless(name) for name in names[:_MOST])
    return (f"the event triggers {said} may have written into the copy",) if names else ()


def _told(lost: list[str], new: list[str]) -> Iterator[str]:
    for fact in lost:
        # Among sorted texts a neighbour has the longest beginning in common.
        place = bisect(new, fact)
        same = max(new[max(0, place - 1) : place + 1], key=lambda other: _common(fact, other), default="")
        at = _common(fact, same)
        if at < _COMMON:
            yield f"{_shown(fact, 0)} does not come back"
        else:
            new.remove(same)
            yield f"{_shown(fact, at)} comes back as {_shown(same, at)}"
    yield from (f"{_shown(fact, 0)} comes in addition" for fact in new)


def _common(one: str, other: str) -> int:
    apart = (at for at, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs)
    return next(apart, min(len(one), len(other)))


def _shown(fact: str, at: int) -> str:
    """Return a fact made harmless, cut to its beginning and the place where it differs."""
    if len(fact) > _LONGEST:
        half = _LONGEST // 2
        begin = max(half, at - half // 2)
        fact = f"{fact[:half]}…{fact[begin : begin + half]}{'…' if begin + half < len(fact) else ''}"
    return _harmless(fact)


def _harmless(text: str) -> str:
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
