"""The digest of a schema: catalog facts under their names, equal on a restored copy and on every server version.

Left out on purpose: numbers that a restore deals anew (object ids, column numbers), owners and privileges (roles differ
from server to server), sizes, values of sequences, the ledger, and the name of the database.
"""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.schema.catalog import COLUMN_ORDER, FINISHED, USER_SCHEMA, not_owned
from skill_server.backends.postgres.schema.spelling import normalised, normalised_function, normalised_view
from skill_server.model.base import canonical, digest

_TABLE = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
_CLASSES = "pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
_MINE = f"{USER_SCHEMA} AND c.relpersistence <> 't' AND {not_owned('pg_class', 'c.oid')}"

# Each query returns rows of one JSON array, so that a fact is text whatever its type.
_FACTS: Final[dict[str, str]] = {
    "schemas": f"SELECT jsonb_build_array(n.nspname) FROM pg_namespace AS n WHERE {USER_SCHEMA} "
    f"AND n.nspname <> 'public' AND {not_owned('pg_namespace', 'n.oid')}",
    "extensions": "SELECT jsonb_build_array(extname) FROM pg_extension WHERE extname <> 'plpgsql'",
    "relations": f"""
SELECT jsonb_build_array({_TABLE}, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
    (SELECT jsonb_agg(o ORDER BY o) FROM unnest(c.reloptions) AS o), pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    (SELECT jsonb_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) FROM pg_inherits AS i WHERE i.inhrelid = c.oid))
FROM {_CLASSES} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND {_MINE}""",
    "columns": f"""
SELECT jsonb_build_array({_TABLE}, row_number() OVER (PARTITION BY c.oid ORDER BY {COLUMN_ORDER}), a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    pg_get_expr(d.adbin, d.adrelid),
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END)
FROM {_CLASSES} JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND {_MINE}""",
    "indexes": f"""
SELECT jsonb_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisreplident, i.indisclustered)
FROM pg_index AS i JOIN {_CLASSES} ON c.oid = i.indexrelid WHERE {FINISHED} AND {_MINE}""",
    "constraints": f"""
SELECT jsonb_build_array({_TABLE}, k.conname, k.contype, pg_get_constraintdef(k.oid))
FROM pg_constraint AS k JOIN {_CLASSES} ON c.oid = k.conrelid
WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND {_MINE}""",
    "views": f"SELECT jsonb_build_array({_TABLE}, pg_get_viewdef(c.oid)) FROM {_CLASSES} "
    f"WHERE c.relkind IN ('v', 'm') AND {_MINE}",
    "rules": f"SELECT jsonb_build_array({_TABLE}, pg_get_ruledef(r.oid), r.ev_enabled) FROM pg_rewrite AS r "
    f"JOIN {_CLASSES} ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN' AND {_MINE}",
    "triggers": f"SELECT jsonb_build_array({_TABLE}, pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger AS t "
    f"JOIN {_CLASSES} ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND {_MINE}",
    "policies": f"""
SELECT jsonb_build_array({_TABLE}, p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
    pg_get_expr(p.polwithcheck, p.polrelid),
    ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END FROM unnest(p.polroles) AS r ORDER BY 1))
FROM pg_policy AS p JOIN {_CLASSES} ON c.oid = p.polrelid WHERE {_MINE}""",
    "sequences": f"""
SELECT jsonb_build_array({_TABLE}, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
    s.seqcache, s.seqcycle, (SELECT d.refobjid::regclass::text || '.' || quote_ident(a.attname) FROM pg_depend AS d
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
FROM pg_sequence AS s JOIN {_CLASSES} ON c.oid = s.seqrelid WHERE {_MINE}""",
    "statistics": f"SELECT jsonb_build_array(pg_get_statisticsobjdef(s.oid)) FROM pg_statistic_ext AS s "
    f"JOIN {_CLASSES} ON c.oid = s.stxrelid WHERE {_MINE}",
    "functions": f"""
SELECT jsonb_build_array(p.prokind, CASE WHEN p.prokind = 'a'
    THEN p.oid::regprocedure::text || ' '
        || (SELECT g.aggtransfn::regproc::text FROM pg_aggregate AS g WHERE g.aggfnoid = p.oid)
    ELSE pg_get_functiondef(p.oid) END)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE {USER_SCHEMA} AND {not_owned("pg_proc", "p.oid")}""",
    "types": f"""
SELECT jsonb_build_array(format_type(t.oid, NULL), t.typtype, t.typnotnull, t.typdefault,
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid),
    (SELECT jsonb_agg(jsonb_build_array(k.conname, pg_get_constraintdef(k.oid)) ORDER BY k.conname)
        FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'))
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r') AND {USER_SCHEMA} AND {not_owned("pg_type", "t.oid")}""",
    "publications": """
SELECT jsonb_build_array(p.pubname, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
    ARRAY(SELECT r.prrelid::regclass::text FROM pg_publication_rel AS r WHERE r.prpubid = p.oid ORDER BY 1))
FROM pg_publication AS p""",
    "comments": f"""
SELECT jsonb_build_array(o.type, o.identity, s.description) FROM pg_description AS s
CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, s.objsubid) AS o
LEFT JOIN pg_constraint AS k ON s.classoid = 'pg_constraint'::regclass AND k.oid = s.objoid
LEFT JOIN pg_trigger AS g ON s.classoid = 'pg_trigger'::regclass AND g.oid = s.objoid
LEFT JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = coalesce(k.connamespace, c.relnamespace)
    OR (o.schema IS NOT NULL AND quote_ident(n.nspname) = o.schema)
WHERE s.classoid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
    'pg_trigger'::regclass) AND {USER_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend AS e
        WHERE e.deptype = 'e' AND e.classid = s.classoid AND e.objid = s.objoid)
    AND NOT EXISTS (SELECT FROM pg_index AS i
        WHERE s.classoid = 'pg_class'::regclass AND i.indexrelid = s.objoid AND NOT ({FINISHED}))""",
}
# The server's rows of partitions and column lists of publications came with PostgreSQL 15.
_PUBLISHED_COLUMNS: Final = """
SELECT jsonb_build_array(p.pubname, r.prrelid::regclass::text, pg_get_expr(r.prqual, r.prrelid),
    ARRAY(SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]) ORDER BY 1))
FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid
WHERE r.prattrs IS NOT NULL OR r.prqual IS NOT NULL"""
_SPELLED: Final[dict[str, Callable[[str], str]]] = {
    "comments": str,
    "functions": normalised_function,
    "views": normalised_view,
}


async def read(connection: Connection) -> str:
    """Return the fingerprint of the schema that the session's transaction sees."""
    found = await facts(connection)
    # A kind of object without any is the same as one that the server does not know yet.
    return digest({name: rows for name, rows in found.items() if rows})


async def of(connections: Connections) -> str:
    """Return the fingerprint, read in one transaction of its own."""
    async with _reading(connections) as connection:
        return await read(connection)


async def lines(connections: Connections) -> frozenset[str]:
    """Return the facts of the fingerprint as lines, read in one transaction of its own."""
    async with _reading(connections) as connection:
        found = await facts(connection)
    return frozenset(f"{kind} {canonical(row)}" for kind, rows in found.items() for row in rows)


@asynccontextmanager
async def _reading(connections: Connections) -> AsyncGenerator[Connection]:
    async with (
        connections.session(purpose="reading the schema") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def facts(connection: Connection) -> dict[str, list[Any]]:
    """Return what the fingerprint is made of: for each kind of object its facts, in an order of their own."""
    found: dict[str, list[Any]] = {}
    queries = dict(_FACTS)
    if connection.get_server_version().major >= 15:
        queries["published columns"] = _PUBLISHED_COLUMNS
    for name, query in queries.items():
        spelled = _SPELLED.get(name, normalised)
        rows = [_plain(json.loads(row[0]), spelled) for row in await connection.fetch(query)]
        found[name] = sorted(rows, key=json.dumps)
    return found


def _plain(value: Any, spelled: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_plain(part, spelled) for part in cast("list[Any]", value)]
    return spelled(value) if isinstance(value, str) else value
