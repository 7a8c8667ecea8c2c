"""What is kept for downgrades: hidden columns, and the tables of the schema of kept things."""

from itertools import groupby

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.schema.catalog import USER_SCHEMA
from skill_server.backends.replacing import KeptThing
from skill_server.model.ids import KEPT_NAME, RETIRED_PREFIX

_COLUMNS = f"""
SELECT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS name
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE starts_with(a.attname::text, $1) AND a.attnum > 0 AND NOT a.attisdropped AND {USER_SCHEMA}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum
"""
_TABLES = """
SELECT c.relname::text AS name, pg_total_relation_size(c.oid) AS size_bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY c.relname COLLATE "C"
"""


async def kept(connections: Connections) -> tuple[KeptThing, ...]:
    """List hidden columns with their values and bytes, and kept tables with their rows and all they take on disk.

    The bytes of a column are those of its values as they lie in the rows; dropping it frees them when rows are
    written again.
    """
    found: list[KeptThing] = []
    async with (
        connections.session(purpose="measuring what is kept") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        columns = await connection.fetch(_COLUMNS, RETIRED_PREFIX)
        for (schema, table), group in groupby(columns, key=lambda row: (row["schema"], row["table"])):
            names = [row["name"] for row in group]
            wanted = [
                f"count(t.{quoted(name)}), coalesce(sum(pg_column_size(t.{quoted(name)})), 0)"
                for name in names
            ]
            (row,) = await connection.fetch(f"SELECT {', '.join(wanted)} FROM {quoted(schema, table)} AS t")
            place = table if schema == SCHEMA else f"{schema}.{table}"
            found += [
                KeptThing(
                    name=f"{place}.{name}", records=row[2 * number], size_bytes=int(row[2 * number + 1])
                )
                for number, name in enumerate(names)
            ]
        for row in await connection.fetch(_TABLES, KEPT_NAME):
            name = row["name"]
            count: int = await connection.fetchval(f"SELECT count(*) FROM {quoted(KEPT_NAME, name)}")
            found.append(KeptThing(name=f"{KEPT_NAME}.{name}", records=count, size_bytes=row["size_bytes"]))
    return tuple(found)
