"""How names are written in SQL: always quoted, by one function."""

from skill_server.errors import Invalid
from skill_server.model.base import digest
from skill_server.model.ids import KEPT_NAME, LONGEST_NAME_BYTES, RETIRED_PREFIX

SCHEMA = "public"


def quoted(*parts: str) -> str:
    """Return a name, qualified where it has several parts, as SQL reads it back unchanged.

    Raises:
        Invalid: a part is empty, too long or cannot be stored (`name-not-allowed`).
    """
    for part in parts:
        if not part or "\x00" in part or len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME_BYTES:
            raise Invalid(
                "name-not-allowed",
                f"PostgreSQL cannot hold the name {part[:80]!r}",
                help=f"Use a name of 1 to {LONGEST_NAME_BYTES} bytes.",
            )
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def table(native: str) -> str:
    """Return the quoted name of an entity's table; `native` is `schema.table` outside of the schema public."""
    schema, dot, name = native.partition(".")
    return quoted(schema, name) if dot else quoted(SCHEMA, native)


def retired(migration: str, entity: str, field: str, native: str) -> str:
    """Return the column name under which a migration hides a field, cut to what PostgreSQL can hold."""
    whole = f"{RETIRED_PREFIX}{digest([migration, entity, field], length=8)}_{native}"
    return whole.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore")


def kept(entity: str, field: str, *shape: str) -> str:
    """Return the quoted table that keeps the values of a field while it is taken away.

    `shape` tells the type of the values, and how the keys are written by which it finds the rows again, where that
    may change; what was kept in another shape lies in another table.
    """
    return quoted(KEPT_NAME, f"kept_{digest([entity, field, *shape], length=16)}")
