"""The catalog queries for what can be taken off a column and put back: each row brings its own statements.

Every query gives `type` and `identity` as `pg_identify_object` prints them, the statement that makes the object, the
one that drops it, and those that give it back its owner, privileges, state and comments.
"""

from typing import Final

from skill_server.backends.postgres.schema.catalog import USER_SCHEMA, not_owned

_TABLE = "format('%I.%I', n.nspname, c.relname)"


def _comment(what: str, oid: str, catalog: str) -> str:
    return f"'COMMENT ON ' || {what} || ' IS ' || quote_literal(obj_description({oid}, '{catalog}'))"


def _granted(acl: str, owner: str, what: str) -> str:
    """Return an array of the statements that give a new object exactly these privileges."""
    grantee = "CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END"
    return f"""CASE WHEN {acl} IS NULL THEN ARRAY[]::text[] ELSE
    ARRAY[format('REVOKE ALL ON %s FROM PUBLIC, %I', {what}, pg_get_userbyid({owner}))]
    || ARRAY(SELECT format('GRANT %s ON %s TO %s%s', g.privilege_type, {what}, {grantee},
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM aclexplode({acl}) AS g) END"""


POLICIES: Final = f"""
SELECT o.type, o.identity,
    format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, {_TABLE},
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
            ELSE 'ALL' END,
        (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
            FROM unnest(p.polroles) AS r))
        || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') AS definition,
    format('DROP POLICY %I ON %s', p.polname, {_TABLE}) AS removal,
    ARRAY[{_comment(f"format('POLICY %I ON %s', p.polname, {_TABLE})", "p.oid", "pg_policy")}] AS afterwards
FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_policy'::regclass, p.oid, 0) AS o
WHERE {USER_SCHEMA}"""

RULES: Final = f"""
SELECT c.oid AS table, r.ev_enabled::text AS enabled, quote_ident(r.rulename) AS name, {_TABLE} AS quoted,
    o.type, o.identity, pg_get_ruledef(r.oid) AS definition,
    format('DROP RULE %I ON %s', r.rulename, {_TABLE}) AS removal,
    ARRAY[
        CASE r.ev_enabled WHEN 'O' THEN NULL ELSE format('ALTER TABLE %s %s RULE %I', {_TABLE},
            CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END,
            r.rulename) END,
        {_comment(f"format('RULE %I ON %s', r.rulename, {_TABLE})", "r.oid", "pg_rewrite")}] AS afterwards
FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class AND c.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_rewrite'::regclass, r.oid, 0) AS o
WHERE r.rulename <> '_RETURN' AND {USER_SCHEMA}"""

TRIGGERS: Final = f"""
SELECT o.type, o.identity, pg_get_triggerdef(t.oid) AS definition,
    format('DROP TRIGGER %I ON %s', t.tgname, {_TABLE}) AS removal,
    ARRAY[
        CASE t.tgenabled WHEN 'O' THEN NULL ELSE format('ALTER TABLE %s %s TRIGGER %I', {_TABLE},
            CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END,
            t.tgname) END,
        {_comment(f"format('TRIGGER %I ON %s', t.tgname, {_TABLE})", "t.oid", "pg_trigger")}] AS afterwards
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_trigger'::regclass, t.oid, 0) AS o
WHERE NOT t.tgisinternal AND {USER_SCHEMA}"""

# A negative target, or none since PostgreSQL 17, is the server's own.
STATISTICS: Final = f"""
SELECT o.type, o.identity, pg_get_statisticsobjdef(s.oid) AS definition,
    'DROP STATISTICS ' || o.identity AS removal,
    ARRAY[
        CASE WHEN s.stxstattarget >= 0 THEN format('ALTER STATISTICS %s SET STATISTICS %s', o.identity, s.stxstattarget)
            END,
        {_comment("'STATISTICS ' || o.identity", "s.oid", "pg_statistic_ext")}] AS afterwards
FROM pg_statistic_ext AS s JOIN pg_class AS c ON c.oid = s.stxrelid AND c.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_statistic_ext'::regclass, s.oid, 0) AS o
WHERE {USER_SCHEMA}"""

# Lists of columns and conditions came with PostgreSQL 15; before, nothing of a publication leans on a column.
PUBLICATIONS: Final = f"""
SELECT o.type, o.identity,
    format('ALTER PUBLICATION %I ADD TABLE %s', p.pubname, {_TABLE})
        || coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
            WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])) || ')', '')
        || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '') AS definition,
    format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, {_TABLE}) AS removal,
    ARRAY[]::text[] AS afterwards
FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid
JOIN pg_class AS c ON c.oid = r.prrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object('pg_publication_rel'::regclass, r.oid, 0) AS o
WHERE {USER_SCHEMA}"""

_VIEW = "format('%s %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, " + _TABLE + ")"

# What else leans on a view or its row type than other views and its own indexes would be lost with it.
VIEWS: Final = f"""
SELECT c.oid, o.type, o.identity,
    'CREATE ' || {_VIEW}
        || CASE WHEN c.relkind = 'm' AND am.amname <> 'heap' THEN format(' USING %I', am.amname) ELSE '' END
        || coalesce(' WITH (' || (SELECT string_agg(format('%I=%L', split_part(e, '=', 1),
            substr(e, strpos(e, '=') + 1)), ', ') FROM unnest(c.reloptions) AS e) || ')', '')
        || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '')
        || ' AS ' || rtrim(ltrim(pg_get_viewdef(c.oid)), ';')
        || CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN ' WITH NO DATA' ELSE '' END AS definition,
    'DROP ' || {_VIEW} AS removal,
    CASE WHEN pg_get_userbyid(c.relowner) = current_user THEN ARRAY[]::text[]
        ELSE ARRAY[format('ALTER %s OWNER TO %I', {_VIEW}, pg_get_userbyid(c.relowner))] END
    || {_granted("c.relacl", "c.relowner", _TABLE)}
    || ARRAY(SELECT format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type, a.attname, {_TABLE},
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
            CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS g WHERE a.attrelid = c.oid)
    || ARRAY[{_comment(_VIEW, "c.oid", "pg_class")}]
    || ARRAY(SELECT format('COMMENT ON COLUMN %s.%I IS %L', {_TABLE}, a.attname, col_description(c.oid, a.attnum))
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NOT NULL)
    || ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i WHERE i.indrelid = c.oid ORDER BY i.indexrelid)
    || ARRAY(SELECT format('COMMENT ON INDEX %I.%I IS %L', n.nspname, x.relname, obj_description(x.oid, 'pg_class'))
        FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND obj_description(x.oid, 'pg_class') IS NOT NULL)
    || ARRAY(SELECT format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I', {_TABLE}, x.relname)
        FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisclustered) AS afterwards,
    ARRAY(SELECT DISTINCT r.ev_class FROM pg_depend AS d
        JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND r.ev_class <> c.oid) AS readers,
    ARRAY(SELECT DISTINCT h.type || ' ' || h.identity FROM pg_depend AS d
        CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS h
        WHERE (d.refclassid, d.refobjid) IN (('pg_class'::regclass, c.oid), ('pg_type'::regclass, c.reltype),
                ('pg_type'::regclass, t.typarray))
            AND d.deptype IN ('n', 'a')
            AND NOT EXISTS (SELECT FROM pg_rewrite AS r
                WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN')
            AND NOT EXISTS (SELECT FROM pg_index AS i
                WHERE d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid AND i.indrelid = c.oid)
        ORDER BY 1) AS hindrances
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_type AS t ON t.oid = c.reltype
LEFT JOIN pg_am AS am ON am.oid = c.relam LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) AS o
WHERE c.relkind IN ('v', 'm') AND {USER_SCHEMA} AND {not_owned("pg_class", "c.oid")}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""

# Facts of single columns that their type, default or privileges do not tell.
COLUMNS: Final = f"""
SELECT c.oid AS table, a.attname::text AS name,
    CASE WHEN a.attcollation <> t.typcollation
        THEN (SELECT format('%I.%I', cn.nspname, l.collname) FROM pg_collation AS l
            JOIN pg_namespace AS cn ON cn.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation,
    CASE WHEN a.attgenerated::text <> '' THEN format('ALTER TABLE %s ADD COLUMN %I %s', {_TABLE}, a.attname,
            format_type(a.atttypid, a.atttypmod))
        || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END
        || ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid)
        || CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END END AS generated,
    (SELECT format('%I.%I', sn.nspname, s.relname) || '|' || format_type(q.seqtypid, NULL)
        FROM pg_depend AS e JOIN pg_class AS s ON s.oid = e.objid AND s.relkind = 'S'
        JOIN pg_sequence AS q ON q.seqrelid = s.oid JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
        WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_class'::regclass AND e.refobjid = c.oid
            AND e.refobjsubid = a.attnum AND e.deptype IN ('a', 'i') LIMIT 1) AS sequence,
    ARRAY(SELECT format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type, a.attname, {_TABLE},
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
            CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM aclexplode(a.attacl) AS g) AS grants
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND {USER_SCHEMA}
"""
