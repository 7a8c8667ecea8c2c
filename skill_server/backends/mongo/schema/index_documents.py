"""Index documents as `listIndexes` gives them: which fields they name, and the same index on another field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

Document = dict[str, Any]
TEXT_KEYS = frozenset({"_fts", "_ftsx"})
# Conditions that a document without the field never meets.
_PRESENT = frozenset({"$gt", "$gte", "$lt", "$lte", "$type"})


def paths(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every path that an index names: keys, text weights, the partial filter, the wildcard projection."""
    keys = [key for key in definition["key"] if key not in TEXT_KEYS]
    keys += [*definition.get("weights", {}), *definition.get("wildcardProjection", {})]
    keys += _filter_paths(definition.get("partialFilterExpression", {}))
    return tuple(dict.fromkeys(keys))


def fields(definition: Mapping[str, Any], nested: Collection[str] = ()) -> tuple[str, ...]:
    """Return the top-level fields that an index names, and those paths among `nested` that it names or lies below."""
    named = [path for path in paths(definition) if not path.startswith("$")]
    inner = [path for path in nested if touches(definition, path)]
    return tuple(dict.fromkeys([*(path.partition(".")[0] for path in named), *inner]))


def touches(definition: Mapping[str, Any], field: str) -> bool:
    """Tell whether an index names a field or a path below it."""
    return any(path == field or path.startswith(f"{field}.") for path in paths(definition))


def _filter_paths(value: Any) -> list[str]:
    found: list[str] = []
    if isinstance(value, Mapping):
        for key, inside in cast("Mapping[str, Any]", value).items():
            if not key.startswith("$"):
                found.append(key)
            elif isinstance(inside, list):
                for part in cast("list[Any]", inside):
                    found += _filter_paths(part)
    return found


def conditions(definition: Mapping[str, Any], field: str) -> list[Any]:
    """Return what the partial filter asks of a field, part by part."""

    def found(part: Mapping[str, Any]) -> list[Any]:
        asked: list[Any] = []
        for key, inside in part.items():
            if key.startswith("$"):
                for other in cast("list[Mapping[str, Any]]", inside):
                    asked += found(other)
            elif key == field or key.startswith(f"{field}."):
                asked.append(inside)
        return asked

    return found(definition.get("partialFilterExpression", {}))


def on_field(definition: Mapping[str, Any], field: str, to: str, name: str) -> Document:
    """Return the same index, under another name, on another field."""

    def moved(path: str) -> str:
        return to + path[len(field) :] if path == field or path.startswith(f"{field}.") else path

    def moved_keys(part: Mapping[str, Any]) -> Document:
        return {moved(key): value for key, value in part.items()}

    def moved_filter(value: Any) -> Any:
        if isinstance(value, Mapping):
            inside = cast("Mapping[str, Any]", value)
            return {
                key if key.startswith("$") else moved(key): moved_filter(item)
                if key.startswith("$")
                else item
                for key, item in inside.items()
            }
        return [moved_filter(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value

    changed: Document = {**definition, "key": moved_keys(definition["key"]), "name": name}
    for part in ("weights", "wildcardProjection"):
        if part in changed:
            changed[part] = moved_keys(changed[part])
    if "partialFilterExpression" in changed:
        changed["partialFilterExpression"] = moved_filter(changed["partialFilterExpression"])
    return changed


def moved_name(name: str, definition: Mapping[str, Any], field: str, to: str) -> str:
    """Return the name of the same index on another field: the driver's own pattern is kept, others get a suffix."""
    if name == default_name(definition["key"]):
        return default_name(on_field(definition, field, to, name)["key"])
    # A name with a dot in it could not be said in a migration.
    return f"{name}_on_{to.rpartition('.')[2]}"


def default_name(key: Mapping[str, Any]) -> str:
    """Return the name that drivers give an index."""
    return "_".join(
        f"{path}_{int(way) if isinstance(way, int | float) else way}" for path, way in key.items()
    )


def minds_missing(definition: Mapping[str, Any], field: str) -> bool:
    """Tell whether documents without the field stand in a unique index, where they would collide as null."""
    if not definition.get("unique"):
        return False
    if definition.get("sparse") and list(definition["key"]) == [field]:
        return False
    condition = definition.get("partialFilterExpression", {}).get(field)
    if isinstance(condition, Mapping):
        words = cast("Mapping[str, Any]", condition)
        return not (words.get("$exists") or _PRESENT & set(words))
    return condition is None


def guard(definition: Mapping[str, Any], field: str, name: str) -> Document:
    """Return the index that keeps the same documents unique while some do not have the field."""
    kept = {key: value for key, value in definition.items() if key != "sparse"}
    condition = {**definition.get("partialFilterExpression", {}), field: {"$exists": True}}
    return {**kept, "name": name, "partialFilterExpression": condition}
