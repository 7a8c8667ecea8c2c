"""A database with everything that a backup has to bring back, and the questions that show whether it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skill_server.backends.postgres.backup import archive
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.connection import Connections
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult
from tests.contract.postgres.sample import value

EVERY_TABLE = 1
SURVIVORS = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('calm', 'Ärger', 'it''s');
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE SEQUENCE counter START 5 INCREMENT 5;
SELECT nextval('counter'), nextval('counter');
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood mood, age small, nick citext,
    born int, decade int GENERATED ALWAYS AS (born / 10 * 10) STORED, span interval, gone int
);
ALTER TABLE people DROP COLUMN gone;
INSERT INTO people (mood, age, nick, born, span)
SELECT (ARRAY['calm', 'Ärger', 'it''s'])[1 + i % 3]::mood, i % 1000, 'Nick' || i, 1900 + i % 100,
    i * interval '-1 month 2 days 03:04:05.6' FROM generate_series(1, 3000) AS i;
CREATE TABLE visits (id int PRIMARY KEY, person bigint REFERENCES people, page text);
INSERT INTO visits SELECT i, i, repeat(md5(i::text), 200) || E'\\t\\\\.\\n\\r' FROM generate_series(1, 500) AS i;
CREATE INDEX ON visits (person) WHERE page IS NOT NULL;
CREATE MATERIALIZED VIEW decades AS SELECT decade, count(*) AS people FROM people GROUP BY decade;
CREATE VIEW calm AS SELECT id FROM people WHERE mood = 'calm';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.page := 'trigger'; RETURN NEW; END$$;
CREATE TRIGGER stamped BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE RULE quiet AS ON INSERT TO visits WHERE NEW.id < 0 DO INSTEAD NOTHING;
ALTER TABLE people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY grown ON people USING (age > 17);
COMMENT ON TABLE people IS 'who comes';
COMMENT ON COLUMN people.age IS 'in years';
"""
# To be filled with the name of a role, which belongs to the whole server.
GRANTED = """
CREATE ROLE "{role}";
GRANT SELECT ON people TO "{role}";
CREATE POLICY theirs ON visits TO "{role}" USING (true);
"""
UNGRANTED = 'DROP OWNED BY "{role}"; DROP ROLE "{role}"'

_QUESTIONS = {
    "sequence": "SELECT last_value FROM counter",
    "identity": "SELECT last_value FROM people_id_seq",
    "generated": "SELECT sum(decade) FROM people",
    "enum": "SELECT string_agg(DISTINCT mood::text, ',' ORDER BY mood::text) FROM people",
    "domain": "SELECT pg_typeof(age)::text FROM people LIMIT 1",
    "interval": "SELECT min(span)::text || max(span) FROM people",
    "extension": "SELECT extversion FROM pg_extension WHERE extname = 'citext'",
    "materialized view": "SELECT sum(people) FROM decades",
    "view": "SELECT count(*) FROM calm",
    "row security": "SELECT array_agg(relrowsecurity::text || relforcerowsecurity) FROM pg_class "
    "WHERE relname = 'people'",
    "policies": "SELECT array_agg(concat(tablename, qual, roles) ORDER BY policyname) FROM pg_policies",
    "comments": "SELECT obj_description('people'::regclass) || col_description('people'::regclass, 3)",
    "privileges": "SELECT relacl::text FROM pg_class WHERE relname = 'people'",
    "trigger not fired": "SELECT count(*) FROM visits WHERE page = 'trigger'",
    "foreign key": "SELECT convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = 'visits'::regclass",
    "large object": "SELECT lo_get(oid) FROM pg_largeobject_metadata",
    "partitions": "SELECT array_agg(tableoid::regclass::text || id ORDER BY id) FROM parts",
    "inheritance": "SELECT array_agg(tableoid::regclass::text || id ORDER BY id) FROM parent",
}


async def answers(connections: Connections) -> dict[str, Any]:
    """Ask what the checksums and the fingerprint do not tell, or tell only in other words."""
    return {name: await value(connections.url(), question) for name, question in _QUESTIONS.items()}


async def taken_in_parts(connections: Connections, place: Path) -> DumpResult:
    """Back up with every table that has rows beside the archive."""
    return await dump(connections, NameMap(), place, large_bytes=EVERY_TABLE)


def note_of(place: Path) -> archive.Note:
    """Read the note of a backup."""
    return archive.Note.model_validate_json((place / archive.NOTE).read_text())
