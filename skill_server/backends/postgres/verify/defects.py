"""Looking for rows and sequences that break what the schema says, however they came in.

A foreign key that counts as valid proves little: `session_replication_role = replica` and disabled triggers let rows
past it, and the catalog keeps no note of that. So every one is asked for again where the reading may be deep.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import asyncpg

from skill_server.backends.base import Defect, ReferenceAsked
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.failures import capped
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.schema import catalog
from skill_server.backends.postgres.schema.catalog import USER_SCHEMA, not_owned
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.backends.postgres.verify.probe import FIRST_KEYS, LONGEST_KEY
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap

# A sequence feeds a column that owns it, or whose default asks it for the next value. Whether the column leads an index
# decides how much the greatest value costs. A cycling sequence is meant to be behind. Only an identity, and a default
# that is the call alone or its cast, store the very numbers of the sequence.
_SEQUENCES: Final = f"""
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column,
       sn.nspname::text AS sequence_schema, s.relname::text AS sequence,
       q.seqincrement AS step, q.seqmin AS least, q.seqmax AS most, t.typname = 'numeric' AS fractional,
       c.relkind::text AS kind,
       a.attidentity <> '' OR EXISTS (
           SELECT FROM pg_attrdef AS v
           JOIN pg_depend AS u ON u.classid = 'pg_attrdef'::regclass AND u.objid = v.oid
               AND u.refclassid = 'pg_class'::regclass AND u.refobjid = s.oid
           WHERE v.adrelid = a.attrelid AND v.adnum = a.attnum
             AND pg_get_expr(v.adbin, v.adrelid) ~ '^\\(?nextval\\(''([^'']|'''')+''::regclass\\)(\\)::[a-z0-9 (),]+)?$'
       ) AS as_it_is,
       EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
               JOIN pg_am AS m ON m.oid = x.relam AND m.amname = 'btree'
               WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL) AS indexed
FROM pg_sequence AS q
JOIN pg_class AS s ON s.oid = q.seqrelid
JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
JOIN pg_depend AS d ON (d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i'))
    OR (d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid)
LEFT JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
JOIN pg_attribute AS a ON a.attrelid = coalesce(f.adrelid, d.refobjid) AND a.attnum = coalesce(f.adnum, d.refobjsubid)
    AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid AND t.typname IN ('int2', 'int4', 'int8', 'numeric')
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT q.seqcycle AND {USER_SCHEMA} AND {not_owned("pg_class", "c.oid")}
ORDER BY 1, 2, 3, 4, 5
"""

# `pg_constraint` says more on newer servers: what is not enforced, or holds for a period, is no business of ours.
_RULES: Final = f"""
SELECT n.nspname::text AS schema, c.relname::text AS table, c.relkind::text AS kind, k.conname::text AS name,
       k.contype::text AS type, k.convalidated AS validated,
       pg_get_expr(k.conbin, k.conrelid) AS expression, k.confmatchtype::text AS match,
       rn.nspname::text AS parent_schema, r.relname::text AS parent, r.relkind::text AS parent_kind,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS parents,
       ARRAY(SELECT format('OPERATOR(%I.%s)', o_n.nspname, o.oprname)
             FROM unnest(k.conpfeqop) WITH ORDINALITY AS u (op, place)
             JOIN pg_operator AS o ON o.oid = u.op JOIN pg_namespace AS o_n ON o_n.oid = o.oprnamespace
             ORDER BY u.place) AS operators,
       ARRAY(SELECT quote_ident(o_n.nspname) || '.' || quote_ident(o.collname)
             FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number
             LEFT JOIN pg_collation AS o ON o.oid = a.attcollation
             LEFT JOIN pg_namespace AS o_n ON o_n.oid = o.collnamespace ORDER BY u.place) AS collations,
       ARRAY(SELECT a.attname::text FROM pg_constraint AS p
             CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = u.number
             WHERE p.conrelid = k.conrelid AND p.contype = 'p' ORDER BY u.place) AS key
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_class AS r ON r.oid = k.confrelid
LEFT JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE (k.contype = 'f' OR (k.contype = 'c' AND NOT k.convalidated)) AND k.conparentid = 0 AND {USER_SCHEMA}
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  AND NOT coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false)
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"
"""


class _Namer(NamedTuple):
    """Logical names of what the catalog calls by its own."""

    entities: dict[tuple[str, str], str]
    names: NameMap

    def entity(self, schema: str, table: str) -> str:
        # What an extension owns is no entity, but may be referred to.
        return self.entities.get((schema, table), f"{schema}.{table}")

    def fields(self, entity: str, columns: Iterable[str]) -> str:
        return ", ".join(self.names.logical_field(entity, column, BackendKind.POSTGRES) for column in columns)


async def defects(
    connections: Connections, names: NameMap, *, deep: bool, references: Sequence[ReferenceAsked] = ()
) -> tuple[Defect, ...]:
    """Return what is wrong in one read-only transaction: sequences, and where `deep` every key and unproven rule.

    A greatest value that no index holds is looked for only where `deep`. `references` are ignored: the catalog knows
    every foreign key, and one that is missing is a difference of the schema.
    """
    async with (
        connections.session(purpose="looking for defects") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        sequences = await connection.fetch(_SEQUENCES)
        rules = await connection.fetch(_RULES) if deep else []
        tables = await connection.fetch(catalog.TABLES)
        namer = _Namer(logical_names([(row["schema"], row["name"]) for row in tables], names), names)
        found = [await _sequence(connection, row, namer) for row in sequences if deep or row["indexed"]]
        found += [await _rule(connection, row, namer) for row in rules]
    return tuple(item for item in found if item is not None)


async def _sequence(connection: Connection, row: asyncpg.Record, namer: _Namer) -> Defect | None:
    sequence = quoted(row["sequence_schema"], row["sequence"])
    # Sequences know no snapshot: this is later than the one that the values are read in, so that a sequence which is
    # used properly is never behind them.
    at = await connection.fetchrow(f"SELECT last_value, is_called FROM {sequence}")
    if at is None:
        return None
    step: int = row["step"]
    last: int = at["last_value"]
    # What was not called yet hands out its last value itself.
    following = last + step if at["is_called"] else last
    if not row["least"] <= following <= row["most"]:
        return None
    numbers = _numbers(row, following)
    edge = await connection.fetchval(f"SELECT {numbers.edge}")
    if edge is None:
        return None
    # Servers that share a field by odd and even numbers pass each other all the time.
    taken = numbers.met is None or await connection.fetchval(f"SELECT EXISTS (SELECT {numbers.met})")
    entity = namer.entity(row["schema"], row["table"])
    said = f"stands at {last}" if at["is_called"] else f"will begin at {last}"
    steps = "" if abs(step) == 1 else f" in steps of {step}"
    # What an application does with numbers that it asks for itself is not known.
    own = "" if row["as_it_is"] else "; no default of the field stores its numbers as they are"
    return Defect(
        check="sequence_values",
        entity=entity,
        field=namer.fields(entity, [row["column"]]),
        message=f"the sequence {capped(row['sequence'], LONGEST_KEY)} {said}{steps}, "
        f"and the field already holds {edge}{own}",
        help=f"Run SELECT setval({text_literal(sequence)}, (SELECT {numbers.mended})).",
        tolerated=bool(own) or not taken,
    )


class _Numbers(NamedTuple):
    """Parts of queries over the values that lie where a sequence is going; an index on the field answers them.

    `met` finds those that the sequence will hand out itself, and is None where these are all. `mended` is the number to
    set the sequence to, one of its own.
    """

    edge: str
    met: str | None
    mended: str


def _numbers(row: asyncpg.Record, following: int) -> _Numbers:
    step, column = row["step"], quoted(row["column"])
    extreme = f"max({column})" if step > 0 else f"min({column})"
    # The bounds also keep out what is no number at all, and what the sequence never reaches.
    low, high = (following, row["most"]) if step > 0 else (row["least"], following)
    ahead = f"FROM {_only(row['kind'], row['schema'], row['table'])} WHERE {column} BETWEEN {low} AND {high}"
    if abs(step) == 1 and not row["fractional"]:
        return _Numbers(f"{extreme} {ahead}", None, f"{extreme} {ahead}")
    return _Numbers(
        f"{extreme} {ahead}",
        f"{ahead} AND mod({column}::numeric - ({following}), {step}) = 0",
        f"({following} + {step} * ceil(({extreme}::numeric - ({following})) / {step}))::bigint {ahead}",
    )


async def _rule(connection: Connection, row: asyncpg.Record, namer: _Namer) -> Defect | None:
    entity = namer.entity(row["schema"], row["table"])
    if row["type"] == "c":
        check, condition = "rule_violations", f"({row['expression']}) IS FALSE"
        message = f"records break the rule {capped(row['name'], LONGEST_KEY)}, which was never validated"
        help = "Correct these records, then validate the constraint."
    else:
        check, condition = "references", _orphaned(row)
        parent = namer.entity(row["parent_schema"], row["parent"])
        name = capped(row["name"], LONGEST_KEY)
        message = f"records name a record of {parent} that is not there (foreign key {name})"
        help = f"Add the missing records of {parent}, or correct the field."
    key = ", ".join(f"c.{quoted(column)}::text" for column in row["key"])
    key = f"concat_ws(', ', {key})" if key else "c.ctid::text"
    question = f"FROM {_only(row['kind'], row['schema'], row['table'])} AS c WHERE {condition}"
    count = await connection.fetchval(f"SELECT count(*) {question}")
    if not count:
        return None
    keys = await connection.fetch(
        f'SELECT {key} AS key {question} ORDER BY {key} COLLATE "C" LIMIT {FIRST_KEYS}'
    )
    return Defect(
        check=check,
        entity=entity,
        field=namer.fields(entity, row["columns"]) or None,
        message=message,
        help=help,
        records=count,
        keys=tuple(capped(found["key"], LONGEST_KEY) for found in keys),
        # Whoever declared it NOT VALID asked for new rows only, and is told of the constraint itself at every depth.
        tolerated=not row["validated"],
    )


def _orphaned(row: asyncpg.Record) -> str:
    """Return the condition of a row of `c` without a counterpart, by the operators that the foreign key itself uses."""
    pairs = zip(row["columns"], row["parents"], row["operators"], row["collations"], strict=True)
    # Where both sides have a collation of their own, the parent's decides, as it does for the foreign key.
    equal = " AND ".join(
        f"p.{quoted(theirs)} {operator} c.{quoted(ours)}" + (f" COLLATE {collation}" if collation else "")
        for ours, theirs, operator, collation in pairs
    )
    parent = _only(row["parent_kind"], row["parent_schema"], row["parent"])
    named = [f"c.{quoted(column)} IS NOT NULL" for column in row["columns"]]
    orphaned = f"({' AND '.join(named)} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {equal}))"
    if row["match"] == "f" and len(named) > 1:
        # MATCH FULL: all parts of the key are empty, or none.
        orphaned += f" OR (({' OR '.join(named)}) AND NOT ({' AND '.join(named)}))"
    return orphaned


def _only(kind: str, schema: str, table: str) -> str:
    """Return a table without those that inherit from it, as its constraints take it; a partitioned one has no rows."""
    return quoted(schema, table) if kind == "p" else f"ONLY {quoted(schema, table)}"
