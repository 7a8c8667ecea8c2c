"""Reading raw BSON without decoding it: where each document and each top-level field begins and ends.

The layout is that of bsonspec.org, version 1.1, with its deprecated types. Every length is checked against the bytes
that are there; the inside of an embedded value is not entered.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, UNDEFINED, OBJECT_ID, BOOLEAN = range(0x01, 0x09)
DATE, NULL, REGEX, DB_POINTER, CODE, SYMBOL, CODE_WITH_SCOPE, INT32 = range(0x09, 0x11)
TIMESTAMP, INT64, DECIMAL128, MIN_KEY, MAX_KEY = 0x11, 0x12, 0x13, 0xFF, 0x7F

LENGTH_BYTES = 4
SMALLEST_DOCUMENT = 5
# The server keeps documents below 16 MiB and its own replies a little above (its source, BSONObjMaxInternalSize).
LARGEST_DOCUMENT = 16 * 1024 * 1024 + 16 * 1024

FIXED = {
    DOUBLE: 8,
    UNDEFINED: 0,
    OBJECT_ID: 12,
    BOOLEAN: 1,
    DATE: 8,
    NULL: 0,
    INT32: 4,
    TIMESTAMP: 8,
    INT64: 8,
    DECIMAL128: 16,
    MIN_KEY: 0,
    MAX_KEY: 0,
}
int32 = Struct("<i").unpack_from


class Malformed(ValueError):
    """The bytes are not BSON."""


def documents(data: bytes) -> Iterator[bytes]:
    """Yield the documents of a plain concatenation, such as a raw batch or the content of a `.bson` file.

    Raises:
        Malformed: the bytes end inside a document, or a length is impossible.
    """
    position, end = 0, len(data)
    while position < end:
        following = position + document_length(data, position)
        if following > end:
            raise Malformed(
                f"a document of {following - position} bytes begins {end - position} bytes before the end"
            )
        yield data[position:following]
        position = following


def document_length(data: bytes, position: int) -> int:
    """Return the length that a document claims at its beginning.

    Raises:
        Malformed: there are fewer than four bytes, or no document is that long.
    """
    if position + LENGTH_BYTES > len(data):
        raise Malformed("a document is cut off inside its length")
    length: int = int32(data, position)[0]
    if not SMALLEST_DOCUMENT <= length <= LARGEST_DOCUMENT:
        raise Malformed(f"a document claims a length of {length} bytes")
    return length


def fields(document: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield (name, element type, raw value) of each top-level field of one whole document, in order.

    Raises:
        Malformed: the bytes are not exactly one document.
    """
    last = closing(document)
    position = LENGTH_BYTES
    while position < last:
        kind = document[position]
        name_end = document.find(0, position + 1, last)
        if name_end < 0:
            raise Malformed("a field name has no end")
        begin = name_end + 1
        end = value_end(document, kind, begin, last)
        yield document[position + 1 : name_end], kind, document[begin:end]
        position = end


def closing(document: bytes) -> int:
    """Return the place of the closing byte of one whole document.

    Raises:
        Malformed: the bytes are not exactly one document.
    """
    if document_length(document, 0) != len(document):
        raise Malformed(f"a document of {len(document)} bytes claims another length")
    last = len(document) - 1
    if document[last] != 0:
        raise Malformed("a document does not end with a zero byte")
    return last


def value_end(document: bytes, kind: int, begin: int, last: int) -> int:
    """Return where a value ends; it must end at `last`, the document's closing byte, or before.

    Raises:
        Malformed: it does not, or there is no such type, or its bytes are not of that type.
    """
    fixed = FIXED.get(kind)
    if fixed is not None:
        end = begin + fixed
    elif kind in {STRING, CODE, SYMBOL}:
        end = _string_end(document, begin, last)
    elif kind in {DOCUMENT, ARRAY, CODE_WITH_SCOPE}:
        end = begin + _length(document, begin, last, least=SMALLEST_DOCUMENT)
        if end <= last and document[end - 1] != 0:
            raise Malformed("an embedded value does not end with a zero byte")
    elif kind == BINARY:
        end = begin + LENGTH_BYTES + 1 + _length(document, begin, last, least=0)
    elif kind == REGEX:
        end = _cstring_end(document, _cstring_end(document, begin, last), last)
    elif kind == DB_POINTER:
        end = _string_end(document, begin, last) + FIXED[OBJECT_ID]
    else:
        raise Malformed(f"there is no element type {kind:#04x}")
    if end > last:
        raise Malformed("a value reaches beyond its document")
    if kind == BOOLEAN and document[begin] > 1:
        raise Malformed(f"a boolean is neither 0 nor 1 but {document[begin]}")
    return end


def _length(document: bytes, begin: int, last: int, *, least: int) -> int:
    if begin + LENGTH_BYTES > last:
        raise Malformed("a value is cut off inside its length")
    length: int = int32(document, begin)[0]
    if length < least:
        raise Malformed(f"a value claims a length of {length} bytes")
    return length


def _string_end(document: bytes, begin: int, last: int) -> int:
    # The length counts the closing zero byte, so it is at least one.
    end = begin + LENGTH_BYTES + _length(document, begin, last, least=1)
    if end > last:
        raise Malformed("a text reaches beyond its document")
    if document[end - 1] != 0:
        raise Malformed("a text does not end with a zero byte")
    return end


def _cstring_end(document: bytes, begin: int, last: int) -> int:
    end = document.find(0, begin, last)
    if end < 0:
        raise Malformed("a regular expression has no end")
    return end + 1
