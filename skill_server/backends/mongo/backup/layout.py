"""The files of a dump: the layout that MongoDB's own tools read, and beside it a list of hashes that they do not need.

`<directory>/mongodb/<database>/<collection>.bson.gz` and `.metadata.json.gz`, `<directory>/mongodb/prelude.json.gz`
written last (mongo-tools, mongodump/), and `<directory>/mongodb.json`, one level above where those tools look. Each
name ends in `.age` where the files are encrypted; one that gets too long by that is cut, and the list holds the whole.

One thing differs: of a time series those tools store the server's own buckets, in `system.buckets.<name>.bson`, and
take any data file beside its metadata for such. Here its measurements are stored, as an application reads them, in the
folder `measurements`, which `mongorestore` skips when it restores the whole: it makes the empty time series, and named
alone (`--collection <name> measurements/<name>.bson.gz`) the file is then inserted into that as measurements.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_plus

from pydantic import ValidationError

from skill_server.backends.mongo.backup.durable import opened, sealed_name, sha256_of
from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.schema.listing import Collection
from skill_server.backends.sealing import Seal
from skill_server.errors import Failed
from skill_server.model.base import Frozen, digest
from skill_server.model.receipt import BackupPart

FOLDER = "mongodb"
LIST_FILE = "mongodb.json"
PRELUDE_FILE = "prelude.json.gz"
MEASUREMENTS = "measurements"
DIGEST_DIGITS = 64
# Of mongo-tools: 255 bytes for a file name, less the longest ending.
LONGEST_STEM, CUT_STEM = 238, 208


class DumpedCollection(Frozen):
    """The files of one collection, and its options and indexes in `described`; a view has no data."""

    name: str
    kind: str
    described: str
    metadata: BackupPart
    content: BackupPart | None = None


class DumpList(Frozen):
    """What a dump consists of; `digest` covers everything else in it."""

    version: Literal[1] = 1
    database: str
    server_version: str
    prelude: BackupPart
    collections: tuple[DumpedCollection, ...]
    digest: str = ""

    def sealed(self) -> DumpList:
        """Return the list with its digest."""
        return self.model_copy(update={"digest": self._own_digest()})

    def is_whole(self) -> bool:
        """Tell whether the digest fits."""
        return self.digest == self._own_digest()

    def parts(self) -> tuple[BackupPart, ...]:
        """Return every file of the dump but the list itself."""
        of_collections = (
            part for item in self.collections for part in (item.metadata, item.content) if part is not None
        )
        return (*of_collections, self.prelude)

    def _own_digest(self) -> str:
        return digest(self.model_dump(mode="json", exclude={"digest"}), length=DIGEST_DIGITS)


def file_stem(collection: str) -> str:
    """Return the file name that MongoDB's tools give to a collection, without its ending."""
    stem = quote_plus(collection)
    if len(stem) <= LONGEST_STEM:
        return stem
    short = base64.urlsafe_b64encode(hashlib.sha1(collection.encode(), usedforsecurity=False).digest())
    return f"{stem[:CUT_STEM]}%24{short.decode().rstrip('=')}"


def metadata_json(item: Collection) -> bytes:
    """Return a collection's options and indexes as canonical Extended JSON v2, keys in the tools' own order."""
    described: dict[str, Any] = {"options": item.options} if item.options else {}
    described["indexes"] = list(item.indexes)
    if item.uuid:
        described["uuid"] = item.uuid
    described |= {"collectionName": item.name, "type": item.kind}
    return ejson.dumps(described).encode()


def prelude_json(server_version: str) -> bytes:
    """Return the file that tells the tools which server a dump comes from."""
    from skill_server import __version__

    return json.dumps({"ServerVersion": server_version, "ToolVersion": __version__}).encode()


def exact(item: Collection) -> str:
    """Return a collection's options and indexes as BSON in base64.

    Extended JSON cannot tell the `$regex` of a query, as validators and views hold it, from a regular expression.
    """
    from bson import encode

    return base64.b64encode(encode({"options": item.options, "indexes": list(item.indexes)})).decode()


def described_as(name: str, kind: str, description: str) -> Collection:
    """Return the collection that `exact` described.

    Raises:
        Failed: the description cannot be read (`backup-damaged`).
    """
    import bson
    from bson.codec_options import CodecOptions, DatetimeConversion
    from bson.errors import BSONError

    options = CodecOptions[dict[str, Any]](
        tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
    )
    try:
        found = bson.decode(base64.b64decode(description), codec_options=options)  # pyright: ignore[reportUnknownMemberType]
        return Collection(name=name, kind=kind, options=found["options"], indexes=tuple(found["indexes"]))
    except (ValueError, KeyError, BSONError) as error:
        raise damaged(LIST_FILE, f"describes {name!r} in a way that cannot be read") from error


def open_list(directory: Path, seal: Seal | None = None) -> DumpList:
    """Return the list of a dump, whose files are not looked at.

    Raises:
        Failed: the list is not what was written (`backup-damaged`).
    """
    try:
        with opened(sealed_name(directory / LIST_FILE, seal), seal) as file:
            found = DumpList.model_validate_json(file.read())
    except (OSError, ValidationError) as error:
        raise damaged(LIST_FILE, "is missing or cannot be read") from error
    if not found.is_whole():
        raise damaged(LIST_FILE, "was changed")
    return found


def read_list(directory: Path, seal: Seal | None = None) -> DumpList:
    """Return the list of a dump, after proving that every file on it is there and unchanged.

    Raises:
        Failed: it is not (`backup-damaged`); the message names the first such file.
    """
    found = open_list(directory, seal)
    for part in found.parts():
        try:
            size, sha256 = sha256_of(_inside(directory, part.name))
        except OSError as error:
            raise damaged(part.name, "is missing or cannot be read") from error
        if (size, sha256) != (part.size_bytes, part.sha256):
            raise damaged(part.name, "does not have the size and SHA-256 that were written")
    return found


def _inside(directory: Path, name: str) -> Path:
    path = directory / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise damaged(LIST_FILE, "names a file outside the backup")
    return path


def damaged(name: str, what: str) -> Failed:
    """Return the error for a file that is not what the dump wrote."""
    return Failed(
        "backup-damaged",
        f"the backup file {name} {what}",
        help="Use another backup, or take a new one.",
    )
