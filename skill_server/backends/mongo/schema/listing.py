"""What lies in a database: its collections with their options and indexes, the product's own left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.model.ids import KEPT_NAME, LEDGER_NAME

VALIDATION = ("validator", "validationLevel", "validationAction")
VIEW = "view"
TIME_SERIES = "timeseries"
# MongoDB's manual, "Limits and Thresholds": a namespace is at most 255 bytes long.
LONGEST_NAMESPACE_BYTES = 255


@dataclass(frozen=True)
class Collection:
    """One collection or view as the server describes it; `indexes` hold the one on `_id` too."""

    name: str
    kind: str
    options: dict[str, Any]
    uuid: str = ""
    indexes: tuple[dict[str, Any], ...] = ()

    @property
    def holds_documents(self) -> bool:
        """Tell whether it stores documents of its own."""
        return self.kind != VIEW


def is_own(name: str) -> bool:
    """Tell whether a collection belongs to this product (ledger, journal, lock and replaced content)."""
    return name.startswith(f"{LEDGER_NAME}.")


def is_kept(name: str) -> bool:
    """Tell whether a collection keeps values of retired fields: data, so backed up, but no part of the schema."""
    return name.startswith(f"{KEPT_NAME}.")


def is_content(name: str) -> bool:
    """Tell whether a collection is the application's: neither this product's nor the server's.

    Of the server's own only `system.js` holds what people wrote, as in MongoDB's own dump tool.
    """
    return not is_own(name) and (not name.startswith("system.") or name == "system.js")


def is_of_id(index: dict[str, Any]) -> bool:
    """Tell whether an index is the one that the server makes with the collection; others may have `_id` alone too."""
    return dict(index["key"]) == {"_id": 1}


async def all_names(connections: Connections) -> list[str]:
    """Return the name of every collection, the product's own and the server's included."""
    with wrapped("listing collections"):
        return sorted(await connections.db().list_collection_names())


async def listing(connections: Connections) -> tuple[Collection, ...]:
    """Return the application's collections and views in order of their names, decoded without loss.

    What is held from expiring is described as what it is a copy of.
    """
    database = connections.db()
    found: list[Collection] = []
    with wrapped("listing collections"):
        described: list[dict[str, Any]] = await (await database.list_collections()).to_list(None)
        noted = any(entry["name"] == expiry.NOTES for entry in described)
        held: expiry.Notes = await expiry.notes(connections) if noted else {}
        for entry in sorted(described, key=lambda entry: str(entry["name"])):
            if not is_content(entry["name"]):
                continue
            kind = _kind(entry)
            # Asked for the indexes of a view, a server answers with an error or with one that is not there.
            indexes: list[dict[str, Any]] = []
            if kind != VIEW:
                indexes = await database[entry["name"]].list_indexes().to_list(None)
            found.append(
                Collection(
                    name=entry["name"],
                    kind=kind,
                    options=expiry.true_options(entry["name"], entry.get("options") or {}, held),
                    uuid=bytes(entry.get("info", {}).get("uuid") or b"").hex(),
                    indexes=tuple(expiry.true_index(entry["name"], index, held) for index in indexes),
                )
            )
    return tuple(found)


def _kind(entry: dict[str, Any]) -> str:
    options: dict[str, Any] = entry.get("options") or {}
    # The type is told by the options as well, and one server that speaks the protocol tells it only there.
    if TIME_SERIES in options:
        return TIME_SERIES
    return VIEW if "viewOn" in options else str(entry.get("type", "collection"))
