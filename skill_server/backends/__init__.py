"""The two databases behind one set of small protocols; only what is named here may be imported from outside."""

from typing import assert_never

from skill_server.backends.base import Backend
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap


def open_backend(kind: BackendKind, url: str, names: NameMap) -> Backend:
    """Return one database of a target; the first call to it connects.

    Raises:
        Invalid: the URL is not one of this kind of database.
    """
    # A driver takes longer to import than all else together, and many calls need only one or none.
    match kind:
        case BackendKind.POSTGRES:
            from skill_server.backends.postgres.backend import PostgresBackend

            return PostgresBackend(url, names)
        case BackendKind.MONGODB:
            from skill_server.backends.mongo.backend import MongoBackend

            return MongoBackend(url, names)
        case _:
            assert_never(kind)
