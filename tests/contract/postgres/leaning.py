"""Two tables, and each kind of thing that can lean on a column of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TABLES = """
CREATE TABLE item (id integer PRIMARY KEY, amount integer, note text);
CREATE TABLE line (number integer PRIMARY KEY, item integer REFERENCES item);
CREATE TABLE log (line text);
INSERT INTO item VALUES (1, 10, 'a'), (2, 20, 'b'), (3, NULL, NULL);
INSERT INTO line VALUES (1, 1), (2, NULL);
"""
# Everything that may have to be given back, besides what the fingerprint covers.
FACTS = r"""
SELECT coalesce(json_agg(line ORDER BY line)::text, '') FROM (
    SELECT format('%s %s %s', o.type, o.identity, s.description) AS line FROM pg_description AS s
    CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, s.objsubid) AS o WHERE o.identity LIKE '%public.%'
        AND o.identity NOT LIKE '%.\_retired%'
    UNION ALL
    SELECT format('%s %s %s', c.relname, c.relacl, c.relispopulated) FROM pg_class AS c
    WHERE relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm')
    UNION ALL
    SELECT format('%s %s %s', attrelid::regclass, attname, attacl) FROM pg_attribute WHERE attacl IS NOT NULL
        AND NOT attisdropped
        AND attrelid >= 16384 AND attname NOT LIKE '\_retired%') AS t"""


@dataclass(frozen=True)
class Leaning:
    """A kind of dependent: how it is made on a column, what it answers while it works, how a refusal names it."""

    make: str
    works: str
    answer: Any
    named: str
    retype_refused: bool = False
    key_refused: bool = False
    since: int = 14


KINDS: dict[str, Leaning] = {
    "view": Leaning(
        "CREATE VIEW seen WITH (security_barrier) AS SELECT id AS number, {f} AS shown FROM item;"
        "CREATE VIEW deeper AS SELECT shown FROM seen WHERE shown > 1; GRANT SELECT ON seen TO PUBLIC;"
        "GRANT SELECT (shown) ON deeper TO pg_monitor WITH GRANT OPTION; COMMENT ON VIEW deeper IS 'it''s \\ deep';"
        "COMMENT ON COLUMN seen.shown IS 'shown'",
        "SELECT max(shown)::text FROM deeper",
        {"amount": "20", "id": "3"},
        "view public.deeper",
    ),
    "materialized-view": Leaning(
        "CREATE MATERIALIZED VIEW stored AS SELECT id AS number, {f} AS shown FROM item;"
        "CREATE UNIQUE INDEX stored_number ON stored (number); COMMENT ON INDEX stored_number IS 'once';"
        "CREATE MATERIALIZED VIEW empty AS SELECT shown FROM stored WITH NO DATA; GRANT SELECT ON stored TO PUBLIC",
        "SELECT max(shown)::text FROM stored",
        {"amount": "20", "id": "3"},
        "materialized view public.stored",
    ),
    "generated-column": Leaning(
        "ALTER TABLE item ADD COLUMN twice bigint GENERATED ALWAYS AS ({f} * 2) STORED NOT NULL"
        " CHECK (twice > -1); CREATE INDEX doubles ON item (twice, note);"
        "COMMENT ON COLUMN item.twice IS 'two of it'; CREATE VIEW pairs AS SELECT twice FROM item;"
        "ALTER TABLE item ADD COLUMN last text",
        "SELECT max(twice)::text FROM pairs",
        {"amount": "40", "id": "6"},
        "generated column twice",
        key_refused=True,
    ),
    "policy": Leaning(
        "ALTER TABLE item ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON item AS RESTRICTIVE FOR UPDATE"
        " TO pg_monitor, PUBLIC USING ({f} > 0) WITH CHECK ({f} < 100); COMMENT ON POLICY mine ON item IS 'ours';"
        "CREATE POLICY theirs ON line USING (EXISTS (SELECT FROM item WHERE item.{f} = line.number))",
        "SELECT count(*)::text FROM pg_policy WHERE pg_get_expr(polqual, polrelid) LIKE '%{f}%'",
        {"amount": "2", "id": "2"},
        "policy mine on public.item",
    ),
    "rule": Leaning(
        "CREATE RULE noted AS ON UPDATE TO item WHERE NEW.{f} > 0 DO ALSO INSERT INTO log VALUES (NEW.{f}::text);"
        "COMMENT ON RULE noted ON item IS 'writes it down'; ALTER TABLE item ENABLE ALWAYS RULE noted;"
        "CREATE RULE stale AS ON DELETE TO item WHERE OLD.{f} > 0 DO INSTEAD NOTHING;"
        "ALTER TABLE item DISABLE RULE stale",
        "SELECT string_agg(rulename || ev_enabled::text, ' ' ORDER BY rulename) FROM pg_rewrite"
        " WHERE ev_class = 'item'::regclass",
        {"amount": "notedA staleD", "id": "notedA staleD"},
        "rule noted on public.item",
    ),
    "trigger": Leaning(
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO log VALUES ('fired'); RETURN NEW; END $$;"
        "CREATE TRIGGER fires BEFORE UPDATE OF {f} ON item FOR EACH ROW WHEN (NEW.{f} > 0) EXECUTE FUNCTION stamp();"
        "COMMENT ON TRIGGER fires ON item IS 'on change'; ALTER TABLE item ENABLE ALWAYS TRIGGER fires",
        "SELECT string_agg(tgname || tgenabled::text, ' ') FROM pg_trigger WHERE tgrelid = 'item'::regclass"
        " AND NOT tgisinternal",
        {"amount": "firesA", "id": "firesA"},
        "trigger fires on public.item",
    ),
    "publication": Leaning(
        "CREATE PUBLICATION part FOR TABLE item (id, amount) WHERE ({f} > 1 AND id > 0) WITH (publish = 'insert')",
        "SELECT rowfilter FROM pg_publication_tables WHERE pubname = 'part'",
        None,
        "publication relation public.item in publication part",
        since=15,
    ),
    "function": Leaning(
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum({f}) FROM item; END",
        "SELECT total()::text",
        {"amount": "30", "id": "6"},
        "function public.total()",
        retype_refused=True,
    ),
    "view-with-trigger": Leaning(
        "CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE VIEW edited AS SELECT {f} AS shown FROM item;"
        "CREATE TRIGGER edits INSTEAD OF UPDATE ON edited FOR EACH ROW EXECUTE FUNCTION instead()",
        "SELECT count(*)::text FROM edited",
        {"amount": "3", "id": "3"},
        "trigger edits on public.edited",
        retype_refused=True,
    ),
}

# What belongs to the type of a column: made on it, its name in a refusal, the types that it follows and cannot follow.
NARROW = """
CREATE TABLE stock (id integer PRIMARY KEY, "ItemDesc" text, "Quantity" integer, rate double precision, facts jsonb);
INSERT INTO stock VALUES (1, '6f2c1d3e-0000-4000-8000-000000000001', 10, 1.5, '{}'), (2, NULL, NULL, NULL, NULL);
"""


@dataclass(frozen=True)
class Narrow:
    """A dependent that is made for a type: how it is made, what it leans on, how a refusal names it."""

    make: str
    field: str
    was: str
    named: str
    follows: tuple[str, ...]
    stuck: tuple[str, ...]


TYPED: dict[str, Narrow] = {
    "expression": Narrow(
        'CREATE INDEX folded ON stock (lower("ItemDesc"))',
        "ItemDesc",
        "Text",
        "index folded",
        ("String(40)",),
        ("Integer", "Uuid"),
    ),
    "predicate": Narrow(
        """CREATE INDEX filled ON stock (id) WHERE "ItemDesc" <> ''""",
        "ItemDesc",
        "Text",
        "index filled",
        ("String(40)",),
        ("Uuid",),
    ),
    "presence": Narrow(
        'CREATE UNIQUE INDEX present ON stock ("ItemDesc" DESC) WHERE "ItemDesc" IS NOT NULL',
        "ItemDesc",
        "Text",
        "index present",
        ("String(40)", "Uuid"),
        (),
    ),
    "operator-class": Narrow(
        'CREATE INDEX pattern ON stock (id, "ItemDesc" text_pattern_ops)',
        "ItemDesc",
        "Text",
        "index pattern",
        ("String(40)",),
        ("Uuid",),
    ),
    "collation": Narrow(
        'CREATE INDEX sorted ON stock ("ItemDesc" COLLATE "C" DESC NULLS LAST)',
        "ItemDesc",
        "Text",
        "index sorted",
        ("String(40)",),
        ("Uuid",),
    ),
    "method": Narrow(
        "CREATE INDEX inside ON stock USING gin (facts)", "facts", "Json", "index inside", (), ("Text",)
    ),
    "check": Narrow(
        'ALTER TABLE stock ADD CONSTRAINT counted CHECK ("Quantity" >= 0)',
        "Quantity",
        "Integer",
        "check counted",
        ("BigInteger", "Float", "Decimal(9,2)"),
        ("Text",),
    ),
    "listing-check": Narrow(
        'ALTER TABLE stock ADD CONSTRAINT sizes CHECK ("Quantity" IN (10, 20))',
        "Quantity",
        "Integer",
        "check sizes",
        ("BigInteger", "Float", "Decimal(9,2)"),
        ("Text",),
    ),
    "decimal-check": Narrow(
        "ALTER TABLE stock ADD CONSTRAINT rated CHECK (abs(rate) < 9.5)",
        "rate",
        "Float",
        "check rated",
        ("Integer", "Decimal(9,2)"),
        ("Text",),
    ),
    "remainder": Narrow(
        'CREATE INDEX even ON stock (("Quantity" % 2))', "Quantity", "Integer", "index even", (), ("Float",)
    ),
    "function": Narrow(
        'ALTER TABLE stock ADD CONSTRAINT letters CHECK (chr("Quantity") <> chr(9))',
        "Quantity",
        "Integer",
        "check letters",
        (),
        ("BigInteger",),
    ),
    "generation": Narrow(
        'ALTER TABLE stock ADD COLUMN twice bigint GENERATED ALWAYS AS ("Quantity" * 2) STORED',
        "Quantity",
        "Integer",
        "generated column twice",
        ("BigInteger",),
        ("Text",),
    ),
}
