"""A fast walk over very many documents that look alike, with the checks of `bson_walk`.

Most documents have the fields of the one before, in the same order and of the same types. So the walk remembers which
heads (element type, name, closing zero byte) followed each other, looks first whether it is the same this time, and
what is equal in all such documents is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skill_server.backends.mongo.documents.bson_walk import (
    ARRAY,
    BOOLEAN,
    CODE,
    CODE_WITH_SCOPE,
    DOCUMENT,
    FIXED,
    LENGTH_BYTES,
    STRING,
    SYMBOL,
    Malformed,
    closing,
    int32,
    value_end,
)

# Room between two sums in one number, so that no carry of one ever reaches the next: for 2^64 documents.
CARRY = bytes(8)
DIGEST_BYTES = 16
_LANE_BYTES = DIGEST_BYTES + len(CARRY)
# The length that a value begins with counts from behind itself in texts, and from its own beginning in documents.
_LED = {
    STRING: LENGTH_BYTES,
    CODE: LENGTH_BYTES,
    SYMBOL: LENGTH_BYTES,
    DOCUMENT: 0,
    ARRAY: 0,
    CODE_WITH_SCOPE: 0,
}
_NOT_FIXED = _NOT_LED = -1
# No BSON type has this number, so no field of a document can be taken for the beginning of all.
_NOWHERE = b"\x00\x00"


class Shape:
    """The documents of the same fields in the same order, each of the same type: what they share, and their sums."""

    __slots__ = ("id_at", "names", "order", "repeats", "total")

    def __init__(self, heads: Sequence[bytes]) -> None:
        self.names = [head[1:-1] for head in heads]
        self.id_at = self.names.index(b"_id") if b"_id" in self.names else None
        self.order = b"".join((b"\x00", *(head[1:] for head in heads)))
        # BSON lets a name come twice; sums by name would not see such values change places.
        self.repeats = len(set(self.names)) < len(self.names)
        # The sums of all fields, and behind them of the order, side by side in one number: one addition a document.
        self.total = 0

    def add(self, digests: Sequence[bytes]) -> None:
        """Add a digest of each field and one of the order."""
        self.total += int.from_bytes(CARRY.join(digests), "little")

    def sums(self) -> Iterator[int]:
        """Yield the sum of each field and then that of the order."""
        lanes = self.total.to_bytes((len(self.names) + 1) * _LANE_BYTES, "little")
        for begin in range(0, len(lanes), _LANE_BYTES):
            yield int.from_bytes(lanes[begin : begin + _LANE_BYTES], "little")


class Path:
    """The heads of the fields that documents begin with; `likely` is how the last such document went on."""

    __slots__ = ("before", "following", "head", "kind", "led", "likely", "shape", "size", "type", "width")

    def __init__(
        self, head: bytes = _NOWHERE, before: Path | None = None, nowhere: Path | None = None
    ) -> None:
        self.head = head
        self.width = len(head)
        self.kind = head[0]
        self.type = head[:1]
        # A boolean is not only measured but looked at.
        self.size = _NOT_FIXED if self.kind == BOOLEAN else FIXED.get(self.kind, _NOT_FIXED)
        self.led = _LED.get(self.kind, _NOT_LED)
        self.before = before
        self.likely: Path = nowhere or self
        self.following: dict[bytes, Path] = {}
        self.shape: Shape | None = None

    def heads(self) -> list[bytes]:
        """Return all heads from the first to this one."""
        found: list[bytes] = []
        path = self
        while path.before is not None:
            found.append(path.head)
            path = path.before
        return found[::-1]


class Shapes:
    """All shapes that were met, by the paths that lead to them."""

    def __init__(self) -> None:
        self._start = Path()
        self._met: list[Shape] = []
        self.held = 0

    def walk(self, document: bytes) -> tuple[Path, list[bytes]]:
        """Return the path of a document, and the type and raw value of each of its fields in order.

        Raises:
            Malformed: the bytes are not exactly one document.
        """
        last = closing(document)
        starts = document.startswith
        path = self._start
        values: list[bytes] = []
        position = LENGTH_BYTES
        while position < last:
            following = path.likely
            if starts(following.head, position):
                path = following
                begin = position + path.width
            else:
                begin = document.find(0, position + 1, last) + 1
                if not begin:
                    raise Malformed("a field name has no end")
                following = path.likely = self.after(path, document[position:begin])
                path = following
            size = path.size
            if size >= 0:
                position = begin + size
            elif path.led >= 0 and (counted := begin + LENGTH_BYTES) < last:
                position = begin + path.led + int32(document, begin)[0]
                # Nothing that is led by its length is shorter than five bytes, and all of it ends with a zero byte.
                if not counted < position <= last or document[position - 1]:
                    position = value_end(document, path.kind, begin, last)
            else:
                position = value_end(document, path.kind, begin, last)
            values.append(path.type + document[begin:position])
        # Only a value of fixed size can have come this far, and then it was the last one.
        if position > last:
            raise Malformed("a value reaches beyond its document")
        return path, values

    def after(self, path: Path, head: bytes) -> Path:
        """Return the path with one more head."""
        following = path.following.get(head)
        if following is None:
            following = path.following[head] = Path(head, path, self._start)
            self.held += 1
        return following

    def shape(self, path: Path) -> Shape:
        """Return the shape of the documents that end after this path."""
        if path.shape is None:
            path.shape = Shape(path.heads())
            self._met.append(path.shape)
            self.held += len(path.shape.names)
        return path.shape

    def forget(self) -> list[Shape]:
        """Return all shapes and begin anew."""
        met = self._met
        self._start, self._met, self.held = Path(), [], 0
        return met
