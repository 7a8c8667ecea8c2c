"""Putting the content of a scratch database in place of a live one, old content kept aside, resumable after a crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.fill import create_views
from skill_server.backends.mongo.backup.scratch import require_scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.restore import replaceable
from skill_server.backends.mongo.restore.replacement import Incoming, Journal, Replacement
from skill_server.backends.mongo.schema.listing import VALIDATION, VIEW, Collection, all_names, listing
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Failed, InDoubt, Refused
from skill_server.model.names import NameMap


async def replace_with(connections: Connections, copy: str) -> None:
    """Put the collections of the scratch database `copy` in place of this one's.

    The old ones stay as `database_migration.replaced.<stamp>.<name>` until a person drops them; old views keep their
    definition so, and show what the names in it now stand for. Nobody else may write meanwhile. After a crash the same
    call goes on where it stopped. Nothing expires in either, until `expiry.let_expire` is called here.

    Raises:
        Refused: `copy` is no scratch database, or the server or a collection does not allow it; nothing moved.
        Conflict: another replacement was begun and is not finished (`replacement-unfinished`); nothing moved.
        InDoubt: something else writes to this database (`replacement-disturbed`), or a step failed
            (`replacement-interrupted`); calling again goes on.
    """
    if copy == connections.database:
        raise replaceable.refused("it is the copy itself")
    source = connections.at(copy)
    journal = Journal(connections)
    if await journal.is_done(copy):
        # The copy is empty now: beginning again would put nothing in place of everything.
        return
    await require_scratch(source)
    begun = await replaceable.unfinished(connections, copy)
    if begun is None:
        begun = await _begin(connections, source)
        await journal.write(begun)
    try:
        await _carry_out(connections, source, journal, begun)
    except (Failed, Refused) as error:
        raise InDoubt(
            "replacement-interrupted",
            f"the replacement stopped half-way: {error.message}",
            help="Remove the cause, then call again with the same copy: it goes on where it stopped.",
        ) from error


async def _carry_out(
    connections: Connections, source: Connections, journal: Journal, begun: Replacement
) -> None:
    """Do what is left to do."""
    await _move_aside(connections, begun)
    for item in begun.new:
        if item.kind != VIEW and item.name not in begun.brought:
            await _bring(connections, source, item)
            begun = begun.model_copy(update={"brought": (*begun.brought, item.name)})
            await journal.write(begun)
    views = [item.collection() for item in begun.new if item.kind == VIEW]
    await create_views(connections, views)
    made = {item.name: item for item in await listing(connections)}
    for view in views:
        if made[view.name].options != view.options:
            raise _disturbed(f"something else was made under the name of the view {view.name}")
    await journal.write(begun.model_copy(update={"done": True}))


async def _begin(connections: Connections, source: Connections) -> Replacement:
    """Describe both sides, after what cannot be replaced was refused."""
    old, new = await listing(connections), await listing(source)
    begun = Replacement(
        copy_name=source.database,
        stamp=datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ"),
        old=tuple([await _described(connections, item) for item in old]),
        new=tuple([await _described(source, item) for item in new]),
    )
    await replaceable.require(connections, old, new)
    return begun


async def _described(connections: Connections, item: Collection) -> Incoming:
    records = 0
    if item.holds_documents:
        records = await _count(connections, item.name)
    return Incoming(name=item.name, kind=item.kind, described=layout.exact(item), records=records)


async def _move_aside(connections: Connections, begun: Replacement) -> None:
    """Rename the old collections, and make the old views anew; what was done before a crash is left alone."""
    present = {item.name: item.kind for item in await listing(connections)}
    aside = set(await all_names(connections))
    for item in begun.old:
        if item.name not in present or item.name in begun.brought:
            continue
        if item.kind == VIEW:
            # A view cannot be renamed; and what has its name now may be a collection that the copy brought.
            if present[item.name] == VIEW:
                kept = replace(item.collection(), name=begun.aside(item.name))
                await create_views(connections, [kept])
                with wrapped(f"dropping the view {item.name}", writes=True):
                    await connections.db().drop_collection(item.name)
        elif begun.aside(item.name) not in aside:
            await expiry.hold(connections, item.name, item.collection().options)
            await _rename(connections, connections, item.name, begun.aside(item.name))


async def _bring(connections: Connections, source: Connections, item: Incoming) -> None:
    """Rename one collection of the copy into this database, or find that this was done before a crash."""
    here = item.name in await all_names(connections)
    there = item.name in await all_names(source)
    if here and there:
        # Across databases the server copies and then drops; a crash in between leaves two that are equal. Anything
        # else under the name was put there by somebody else.
        names = NameMap()
        if await checksums(connections, names, [item.name]) != await checksums(source, names, [item.name]):
            raise _disturbed(f"{item.name} was made by somebody else meanwhile")
    elif there:
        await _rename(source, connections, item.name, item.name)
    elif not here:
        raise _disturbed(f"{item.name} is in neither database")
    found = await _count(connections, item.name)
    if found != item.records:
        raise _disturbed(f"{item.name} holds {found} documents instead of {item.records}")
    await _require_description(connections, item)


async def _require_description(connections: Connections, item: Incoming) -> None:
    """Give a brought collection its validator again where a server's rename lost it, and compare the rest."""
    wanted = item.collection()
    found = await _description(connections, item.name)
    validation = {key: wanted.options[key] for key in VALIDATION if key in wanted.options}
    if validation and any(found.options.get(key) != value for key, value in validation.items()):
        with wrapped(f"giving {item.name} its validator", writes=True):
            await connections.db().command({"collMod": item.name, **validation})
        found = await _description(connections, item.name)
    if found.options != wanted.options or _by_name(found) != _by_name(wanted):
        raise _disturbed(f"{item.name} came without all of its options or indexes")


async def _description(connections: Connections, name: str) -> Collection:
    return next(item for item in await listing(connections) if item.name == name)


def _by_name(item: Collection) -> dict[str, dict[str, Any]]:
    # Old servers write the namespace into the description of an index.
    return {
        str(index["name"]): {key: value for key, value in index.items() if key != "ns"}
        for index in item.indexes
    }


async def _rename(source: Connections, target: Connections, name: str, to: str) -> None:
    await expiry.carry(source, name, target, to)
    with wrapped(f"renaming {name}", writes=True):
        await source.client().admin.command(
            # Without dropTarget: a collection that stands in the way is somebody's data.
            {"renameCollection": f"{source.database}.{name}", "to": f"{target.database}.{to}"}
        )
    await expiry.forget(source, name)


async def _count(connections: Connections, name: str) -> int:
    with wrapped(f"counting {name}"):
        return await connections.db()[name].count_documents({})


def _disturbed(fact: str) -> InDoubt:
    return InDoubt(
        "replacement-disturbed",
        f"while the database was being replaced, {fact}",
        help="Stop every writer, put aside what is not the copy's, then call again; the old content is kept.",
    )
