"""What the changes of whole tables share: names that must be free, and what leans on a table as a whole."""

from collections.abc import Iterable, Sequence
from typing import cast

from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.errors import Refused
from skill_server.model.base import Json
from skill_server.model.hazard import Lock
from skill_server.model.plan import Probe, Statement
from skill_server.model.snapshot import Dependent


def schema_of(native: str) -> str:
    """Return the schema that a table lies in."""
    return native.partition(".")[0] if "." in native else SCHEMA


def bare(native: str) -> str:
    """Return a table's name without its schema."""
    return native.rpartition(".")[2]


def sequences(place: Scene) -> tuple[str, ...]:
    """Return the sequences that the table's columns own."""
    found = place.entity.options.get("sequences")
    return tuple(str(item) for item in cast("list[Json]", found)) if isinstance(found, list) else ()


def name_taken(schema: str, names: Sequence[str]) -> Probe:
    """Ask whether tables, views, indexes or sequences already have these names."""
    listed = ", ".join(text_literal(name) for name in names)
    return probe(
        f"name-taken-{names[0]}",
        f"things in the schema {schema} already have a name that is needed",
        "Choose another name, or rename what has it.",
        "SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {text_literal(schema)} AND c.relname IN ({listed})",
    )


def renamed(what: str, schema: str, old: str, new: str) -> Statement:
    """Return the statement that renames a table, index or sequence; `what` is its kind."""
    return Statement(
        text=f"ALTER {what} {quoted(schema, old)} RENAME TO {quoted(new)}", lock=Lock.ACCESS_EXCLUSIVE
    )


def refuse_leaning(place: Scene, doing: str, leaning: Iterable[Dependent]) -> None:
    """Refuse where something leans on a table in a way that cannot be carried over."""
    found = tuple(leaning)
    if found:
        listed = ", ".join(sorted({f"{item.kind} {item.name}" for item in found}))
        raise Refused(
            "entity-has-dependents",
            f"{doing} {place.entity.name} would break what leans on it: {listed}",
            help="Change or drop what the message names first.",
            detail={"dependents": sorted({item.name for item in found})},
        )


def is_own(place: Scene, item: Dependent) -> bool:
    """Say whether a policy, rule or trigger is the table's own, by the identity that the server printed."""
    own = f"{schema_of(place.entity.native_name)}.{bare(place.entity.native_name)}"
    return item.name.replace('"', "").endswith(f" on {own}".replace('"', ""))
