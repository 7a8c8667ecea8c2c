"""The one seam to the driver: a client with the settings every read and write of this product needs.

Motor 3.7 is in maintenance until May 2027 (MongoDB's release notes); PyMongo's `AsyncMongoClient` has the same methods,
so a swap changes the import and the constructor here and the spelling of `to_list` nowhere.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

from skill_server.backends.mongo.failures import wrapped
from skill_server.errors import Invalid, Refused

APPLICATION = "database-migration"
ANSWER_WITHIN_MS = 5000
LOOK_EVERY_MS = 2000
SCHEMES = frozenset({"mongodb", "mongodb+srv"})
# Their content belongs to the server: no application keeps its data there.
SERVER_DATABASES = frozenset({"admin", "config", "local", "$external"})


class _Link:
    """The client that all databases of one URL share, made at first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    def client(self) -> Any:
        if self._client is None:
            # Motor binds to the event loop that runs now, so an earlier moment could choose the wrong one; and its
            # import takes a tenth of a second that listing the tools must not pay.
            from bson.codec_options import DatetimeConversion
            from motor.motor_asyncio import AsyncIOMotorClient

            with wrapped("opening a connection"):
                self._client = AsyncIOMotorClient(
                    self._url,
                    appname=APPLICATION,
                    serverSelectionTimeoutMS=ANSWER_WITHIN_MS,
                    connectTimeoutMS=ANSWER_WITHIN_MS,
                    # After an election the new primary is known at the next look; ten seconds is the default.
                    heartbeatFrequencyMS=LOOK_EVERY_MS,
                    w="majority",
                    journal=True,
                    readConcernLevel="majority",
                    readPreference="primary",
                    retryWrites=True,
                    retryReads=True,
                    tz_aware=True,
                    # BSON dates reach beyond the year 9999, where Python's stop: those stay milliseconds.
                    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
                )
        return self._client

    def url(self, database: str) -> str:
        parts = urlsplit(self._url)
        options = parse_qs(parts.query)
        if parts.username and "authSource" not in options:
            # The user is known where the URL's own database says, whatever database is opened (MongoDB manual,
            # connection strings).
            options["authSource"] = [unquote(parts.path.lstrip("/")) or "admin"]
        return urlunsplit(
            parts._replace(path=f"/{quote(database, safe='')}", query=urlencode(options, doseq=True))
        )

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class Connections:
    """A database on a MongoDB server, opened at first use; its repr never shows the URL.

    The database is the one given, else the path of the URL (as Flask-PyMongo reads `MONGO_URI`), else its `authSource`.

    Raises:
        Invalid: the URL is not one of MongoDB (`url-not-valid`).
        Refused: neither names a database of an application (`database-missing`).
    """

    def __init__(self, url: str, *, database: str | None = None) -> None:
        name = database or _database_of(url)
        if not name or name in SERVER_DATABASES:
            raise Refused(
                "database-missing",
                "the MongoDB URL names no database of an application",
                help="Write the database after the host, as in mongodb://host:27017/shop.",
            )
        self.database: str = name
        self._link = _Link(url)

    def __repr__(self) -> str:
        return f"Connections(database={self.database!r})"

    def at(self, database: str) -> Connections:
        """Return the same server's other database, sharing the client."""
        other = object.__new__(Connections)
        other.database = database
        other._link = self._link
        return other

    def url(self) -> str:
        """Return the whole URL of this database, password and all: for a child process's environment alone."""
        return self._link.url(self.database)

    def client(self) -> Any:
        """Return the driver's client; call it where the event loop runs."""
        return self._link.client()

    def db(self) -> Any:
        """Return the driver's database: writes wait for a majority and the journal, reads see what a majority has."""
        return self.client()[self.database]

    def raw(self, collection: str) -> Any:
        """Return a collection whose documents stay the bytes that the server sent (`RawBSONDocument`)."""
        from bson.codec_options import CodecOptions
        from bson.raw_bson import RawBSONDocument

        return self.db().get_collection(
            collection, codec_options=CodecOptions(document_class=RawBSONDocument)
        )

    async def close(self) -> None:
        """Close the client, for every database that shares it."""
        self._link.close()


def _database_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not parts.netloc:
        # The text of the URL may hold a password, so it is not repeated.
        raise Invalid(
            "url-not-valid",
            "the MongoDB URL does not begin with mongodb:// or mongodb+srv:// and a host",
            help="Write it as mongodb://user:password@host:27017/database.",
        ) from None
    path = unquote(parts.path.lstrip("/"))
    return path or next(iter(parse_qs(parts.query).get("authSource", ())), None)
