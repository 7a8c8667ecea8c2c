"""The catalog queries that a snapshot is read with; every one leaves out the ledger and what extensions own."""

from typing import Final

# One condition for all queries, over an alias `n` of pg_namespace.
USER_SCHEMA: Final = (
    "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN "
    "('information_schema', 'database_migration', 'database_migration_kept')"
)


def not_owned(catalog: str, oid: str) -> str:
    """Return the condition that no extension owns the object `oid` of a system catalog."""
    return (
        "NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.deptype = 'e' "
        f"AND e.classid = '{catalog}'::regclass AND e.objid = {oid})"
    )


# Where a parent got a column after its children, pg_dump puts it before their own; so their columns have no order.
# Partitions keep theirs. Over aliases `c` of pg_class and `a` of pg_attribute.
INHERITS: Final = "NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = c.oid)"
COLUMN_ORDER: Final = f"CASE WHEN {INHERITS} THEN a.attname END, a.attnum"

# An index that was never finished holds no promise: pg_dump leaves it out, and builds it anew where it is partitioned.
# Over an alias `i` of pg_index; `index_validity` tells of it.
FINISHED: Final = (
    "i.indisready AND (i.indisvalid "
    "OR EXISTS (SELECT FROM pg_class AS p WHERE p.oid = i.indrelid AND p.relkind = 'p'))"
)

# Those that a session fires which is no replica's (`D` is disabled, `R` fires on replicas alone).
EVENT_TRIGGERS: Final = (
    "SELECT evtname::text AS name FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') ORDER BY 1"
)

NAMESPACES: Final = f"""
SELECT n.nspname::text AS name FROM pg_namespace AS n
WHERE {USER_SCHEMA} AND {not_owned("pg_namespace", "n.oid")} ORDER BY n.nspname COLLATE "C"
"""

TABLES: Final = f"""
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'p' AS partitioned,
       ARRAY(SELECT s.relname::text FROM pg_depend AS d JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') ORDER BY s.relname COLLATE "C") AS sequences,
       c.relispartition OR EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS inherits,
       greatest(c.reltuples, 0)::bigint AS records,
       CASE WHEN c.relkind = 'r' THEN pg_total_relation_size(c.oid) ELSE 0 END AS size_bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {USER_SCHEMA} AND {not_owned("pg_class", "c.oid")}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""

COLUMNS: Final = f"""
SELECT a.attrelid AS table, a.attnum AS number, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable, a.attgenerated::text <> '' AS generated, a.attidentity::text <> '' AS identity,
       pg_get_expr(d.adbin, d.adrelid) AS default, col_description(a.attrelid, a.attnum) AS comment,
       a.attacl IS NOT NULL AS granted
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND {USER_SCHEMA}
ORDER BY a.attrelid, a.attnum
"""

# An expression or a predicate leaves its columns in pg_depend only.
INDEXES: Final = f"""
SELECT i.indrelid AS table, n.nspname::text AS schema, c.relname::text AS name, i.indisunique AS unique,
       i.indisvalid AND i.indisready AS valid, i.indisreplident OR i.indisclustered AS marked,
       pg_get_indexdef(i.indexrelid) AS definition, k.conname::text AS constraint,
       i.indkey::int2[] AS numbers, i.indoption::int2[] AS options, i.indnkeyatts AS keys,
       ARRAY(SELECT DISTINCT d.refobjsubid FROM pg_depend AS d
             WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
             ORDER BY 1) AS used,
       obj_description(i.indexrelid, 'pg_class') AS comment
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid AND t.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE {USER_SCHEMA}
ORDER BY c.relname COLLATE "C"
"""

# NOT NULL has a row of its own since PostgreSQL 18; here it is a fact of the column in every version.
CONSTRAINTS: Final = f"""
SELECT k.conrelid AS table, n.nspname::text AS schema, t.relname::text AS table_name, k.conname::text AS name,
       k.contype::text AS type, coalesce(k.conkey, '{{}}')::int2[] AS numbers, k.confrelid AS references,
       coalesce(k.confkey, '{{}}')::int2[] AS references_numbers, pg_get_constraintdef(k.oid) AS definition,
       k.confdeltype::text AS on_delete, k.convalidated AS validated, obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND {USER_SCHEMA}
ORDER BY t.relname COLLATE "C", k.conname COLLATE "C"
"""

# What leans on a table or its columns besides indexes, constraints, defaults and owned sequences. A table's own
# policies, rules and triggers lean on it automatically, on its columns like everything else.
DEPENDENTS: Final = f"""
SELECT d.refobjid AS table, array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid) AS numbers,
       o.type AS kind, o.identity AS name
FROM pg_depend AS d
JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
CROSS JOIN LATERAL pg_identify_object(
    CASE WHEN r.rulename = '_RETURN' THEN 'pg_class'::regclass ELSE d.classid END,
    CASE WHEN r.rulename = '_RETURN' THEN r.ev_class ELSE d.objid END, 0) AS o
WHERE d.refclassid = 'pg_class'::regclass AND (d.refobjsubid > 0 OR d.deptype = 'n') AND {USER_SCHEMA}
  AND d.classid NOT IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
GROUP BY d.refobjid, o.type, o.identity
ORDER BY o.type, o.identity
"""

# What a generated column reads hangs on its expression (pg_attrdef), and before PostgreSQL 15 on the column itself.
GENERATED: Final = f"""
SELECT f.attrelid AS table, array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid) AS numbers, f.attname::text AS name
FROM pg_depend AS d
LEFT JOIN pg_attrdef AS a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
JOIN pg_attribute AS f ON f.attgenerated::text <> '' AND f.attrelid = d.refobjid
    AND (f.attnum = a.adnum OR (d.classid = 'pg_class'::regclass AND d.objid = f.attrelid AND d.objsubid = f.attnum))
JOIN pg_class AS c ON c.oid = f.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.refobjsubid <> f.attnum AND {USER_SCHEMA}
  AND (a.oid IS NULL OR a.adrelid = d.refobjid)
GROUP BY f.attrelid, f.attname
ORDER BY f.attname COLLATE "C"
"""

TRIGGERS: Final = f"""
SELECT t.tgrelid AS table, t.tgname::text AS name, t.tgenabled::text AS enabled,
       format('%s.%s', fn.nspname, p.proname) AS function, p.prosrc AS source
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_namespace AS fn ON fn.oid = p.pronamespace
WHERE NOT t.tgisinternal AND {USER_SCHEMA}
ORDER BY t.tgname COLLATE "C"
"""

# FOR ALL TABLES leaves a table no choice, so it is not listed. Subscribers look tables up by name.
PUBLICATIONS: Final = f"""
SELECT c.oid AS table, p.pubname::text AS name
FROM pg_publication_tables AS t
JOIN pg_publication AS p ON p.pubname = t.pubname AND NOT p.puballtables
JOIN pg_namespace AS n ON n.nspname = t.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.tablename
WHERE {USER_SCHEMA}
ORDER BY p.pubname COLLATE "C"
"""

# The body of a function is text to the server unless it is written in SQL's own form (prosqlbody), which leaves
# `prosrc` empty and its columns in pg_depend.
FUNCTIONS: Final = f"""
SELECT o.identity AS name, p.prosrc AS source,
       concat_ws(' ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prosrc) AS whole
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
CROSS JOIN LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) AS o
WHERE p.prosrc <> '' AND {USER_SCHEMA} AND {not_owned("pg_proc", "p.oid")}
ORDER BY o.identity COLLATE "C"
"""
