"""Who answers: server, database and what both can do, and who else is connected."""

from __future__ import annotations

from typing import Any

from skill_server.backends.mongo.connection import APPLICATION, Connections
from skill_server.backends.mongo.failures import PERMISSION_CODES, capped, wrapped
from skill_server.backends.mongo.schema.listing import is_content, is_kept
from skill_server.backends.mongo.store import EVENT_COLLECTION
from skill_server.model.receipt import NO_DATABASE, ServerIdentity

NEEDED_ACTIONS = frozenset(
    {"find", "insert", "update", "remove", "collMod", "createIndex", "dropIndex", "bypassDocumentValidation"}
)
COMMAND_NOT_FOUND = 59


async def identity(connections: Connections) -> ServerIdentity:
    """Ask the server who it is.

    MongoDB gives a database no id of its own, but each collection has a UUID that a restored or cloned one does not
    share. The one of the ledger's events stands for the database; before there is a ledger, the smallest one of the
    application's collections. A database without any has the id `NO_DATABASE`.

    Raises:
        Refused: `server-unreachable`, `login-refused`.
    """
    admin = connections.client().admin
    with wrapped("asking the server who it is"):
        hello: dict[str, Any] = await admin.command("hello")
        build: dict[str, Any] = await admin.command("buildInfo")
        listed: list[dict[str, Any]] = await (await connections.db().list_collections()).to_list(None)
        lacking = await _lacking(admin, connections.database)
    topology = _topology(hello)
    ids = sorted(bytes(item["info"]["uuid"]).hex() for item in listed if _has_id(item))
    ledger = next(
        (bytes(item["info"]["uuid"]).hex() for item in listed if item["name"] == EVENT_COLLECTION), None
    )
    warnings = list[str]()
    if topology == "standalone":
        warnings.append("a standalone server has no transactions and loses majority guarantees")
    if lacking:
        warnings.append(f"the user lacks: {', '.join(sorted(lacking))}")
    return ServerIdentity(
        product="SecantusDB" if "secantusVersion" in build else "MongoDB",
        version=capped(build.get("version", "unknown")),
        server=_server(hello),
        database=connections.database,
        database_id=ledger or (ids[0] if ids else NO_DATABASE),
        topology=topology,
        transactions=topology != "standalone",
        writable=bool(hello.get("isWritablePrimary")) and not hello.get("readOnly") and not lacking,
        warnings=tuple(warnings),
    )


def _topology(hello: dict[str, Any]) -> str:
    if hello.get("msg") == "isdbgrid":
        return "sharded"
    return "replica_set" if hello.get("setName") else "standalone"


def _server(hello: dict[str, Any]) -> str:
    """Return what stays the same while the server is the same, also when it is started anew."""
    return f"set {hello['setName']}" if hello.get("setName") else _topology(hello)


def _has_id(item: dict[str, Any]) -> bool:
    # What a retired field keeps comes and goes with our own steps, which must not look like another database.
    application = is_content(item["name"]) and not is_kept(item["name"])
    return application and item.get("type") != "view" and "uuid" in (item.get("info") or {})


async def _lacking(admin: Any, database: str) -> frozenset[str]:
    """Return the actions that the user's privileges do not name; a server without access control names none."""
    answer: dict[str, Any] = await admin.command({"connectionStatus": 1, "showPrivileges": True})
    login: dict[str, Any] = answer["authInfo"]
    if not login.get("authenticatedUsers"):
        return frozenset()
    granted: set[str] = set()
    for privilege in login.get("authenticatedUserPrivileges") or ():
        resource: dict[str, Any] = privilege.get("resource") or {}
        whole = resource.get("collection") == "" and resource.get("db") in {"", database}
        if whole or resource.get("anyResource"):
            granted.update(privilege.get("actions") or ())
    roles = {role.get("role") for role in login.get("authenticatedUserRoles") or ()}
    # Some servers name the roles of a user but not what the roles permit.
    if not granted and "root" in roles:
        return frozenset()
    return frozenset() if "anyAction" in granted else NEEDED_ACTIONS - granted


async def writers(connections: Connections) -> tuple[str, ...]:
    """Name the other clients that work in this database now.

    A server tells only of operations that run at this moment and of sessions it can tie to the database, and only to a
    user with the privilege `inprog`; without it nothing is named.
    """
    from pymongo.errors import OperationFailure

    stages = [{"$currentOp": {"allUsers": True, "idleConnections": True, "idleSessions": False}}]
    with wrapped("asking who else is connected"):
        try:
            running: list[dict[str, Any]] = await connections.client().admin.aggregate(stages).to_list(None)
        except OperationFailure as error:
            if error.code in {*PERMISSION_CODES, COMMAND_NOT_FOUND}:
                return ()
            raise
    others = {_client(entry) for entry in running if _elsewhere(entry, connections.database)}
    return tuple(sorted(others))


def _elsewhere(entry: dict[str, Any], database: str) -> bool:
    application = entry.get("appName") or _metadata(entry).get("application", {}).get("name")
    return str(entry.get("ns", "")).partition(".")[0] == database and application != APPLICATION


def _client(entry: dict[str, Any]) -> str:
    metadata = _metadata(entry)
    name = (
        entry.get("appName")
        or metadata.get("application", {}).get("name")
        or metadata.get("driver", {}).get("name")
    )
    return f"{capped(name or 'unnamed')} at {capped(entry.get('client', 'unknown address'))}"


def _metadata(entry: dict[str, Any]) -> dict[str, Any]:
    return entry.get("clientMetadata") or {}
