"""The routes of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .repositories import open_repositories

if TYPE_CHECKING:
    from flask import Blueprint


def create_blueprint() -> Blueprint:
    """Return the blueprint with the item pages and the item API."""
    from flask import Blueprint, abort, render_template, request

    items = Blueprint("items", __name__)

    @items.get("/")
    async def index() -> str:  # pyright: ignore[reportUnusedFunction]
        """Show the first items as a page."""
        async with open_repositories() as repositories:
            return render_template("items.html", items=await repositories.items.page())

    @items.get("/items")
    async def list_items() -> list[dict[str, Any]]:  # pyright: ignore[reportUnusedFunction]
        """Return one page of items; `after` is the last `ItemID` that the caller has."""
        after = request.args.get("after", 0, type=int)
        async with open_repositories() as repositories:
            return [item.to_dict() for item in await repositories.items.page(after=after)]

    @items.get("/items/<int:item_id>")
    async def show_item(item_id: int) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Return one item with its latest log lines."""
        async with open_repositories() as repositories:
            item = await repositories.items.get(item_id)
            if item is None:
                abort(404)
            lines = await repositories.logs.of_item(item_id)
        return item.to_dict() | {"log": [line.to_dict() for line in lines]}

    @items.put("/items/<int:item_id>/description")
    async def describe_item(item_id: int) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Replace an item's description with `ItemDesc` of the request body."""
        description = request.get_json()["ItemDesc"]
        async with open_repositories() as repositories:
            if not await repositories.items.describe(item_id, description):
                abort(404)
        return {"ItemID": item_id, "ItemDesc": description}

    return items
