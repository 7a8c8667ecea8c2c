"""Which raw statements run: exactly one each, inside its transaction and this database."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.render.raw import run_raw
from skill_server.errors import Refused
from skill_server.model.action import RunRaw
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.plan import Phase

RUN = {
    "trailing semicolon": "UPDATE t SET a = 1;",
    "semicolon in text": "UPDATE t SET a = ';'",
    "policy": "CREATE POLICY p ON t USING (true)",
    "trigger": "CREATE TRIGGER t BEFORE UPDATE ON x FOR EACH ROW EXECUTE FUNCTION f()",
    "comment in front": "-- why\nALTER TABLE t ADD COLUMN b int",
    "query first": "WITH old AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM old",
    "column named like a word": 'UPDATE t SET "user" = 1, "commit" = 2',
    "table named user": 'ALTER TABLE "user" ADD COLUMN b int',
    "extension": "CREATE EXTENSION IF NOT EXISTS citext",
    "grant": "GRANT SELECT ON t TO reader",
}
REFUSED = {
    "two": "UPDATE t SET a = 1; DELETE FROM t",
    "hidden second": "UPDATE t SET a = 1 /* ; */ ; COMMIT",
    "empty": " ; ",
    "comment only": "-- nothing",
    "begin": "BEGIN",
    "commit": "commit",
    "rollback": "ROLLBACK",
    "end": "END",
    "abort": "ABORT",
    "start": "START TRANSACTION",
    "savepoint": "SAVEPOINT a",
    "prepared": "PREPARE TRANSACTION 'a'",
    "block": "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$",
    "call": "CALL f()",
    "copy program": "COPY t FROM PROGRAM 'sh'",
    "copy file": "COPY t TO '/tmp/x'",
    "role": "SET ROLE admin",
    "search path": "SET search_path TO evil",
    "reset": "RESET ALL",
    "by function": "SELECT set_config('search_path', 'evil', false)",
    "by quoted function": "SELECT pg_catalog.\"set_config\"('role', 'admin', false)",
    "file": "SELECT pg_read_file('/etc/passwd')",
    "other server": "SELECT dblink_exec('dbname=x', 'DROP TABLE t')",
    "database": "DROP DATABASE other",
    "role made": "CREATE ROLE admin SUPERUSER",
    "system": "ALTER SYSTEM SET fsync = off",
    "membership": "GRANT admin TO me",
    "concurrently": "CREATE INDEX CONCURRENTLY i ON t (a)",
    "vacuum": "VACUUM t",
    "explained": "EXPLAIN ANALYZE DELETE FROM t",
    "ledger": "DELETE FROM database_migration.event",
    "quoted ledger": 'DELETE FROM "DATABASE_migration"."event"',
    "ledger in a body": "CREATE FUNCTION f() RETURNS int AS 'DELETE FROM database_migration.event' LANGUAGE sql",
    "function body": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN; RETURN 1; END $$",
    "function replaced": "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
    "procedure": "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
    "broken quote": "SELECT 'open",
    "no statement": "hello world",
}


def raw(*texts: str, undo: tuple[str, ...] = ()) -> RunRaw:
    """Return raw statements of PostgreSQL alone."""
    return RunRaw(entity="t", postgres=texts, mongodb=(), undo_postgres=undo, undo_mongodb=())


@pytest.mark.parametrize("text", RUN.values(), ids=RUN.keys())
def test_one_statement_of_any_usual_kind_runs(text: str) -> None:
    """A parser that knows less SQL than the server must not stand in the way."""
    (piece,) = run_raw(raw(text))
    assert piece.phase is Phase.CONTRACT
    assert len(piece.up.statements) == 3
    assert piece.up.statements[1].lock is Lock.ACCESS_EXCLUSIVE
    assert Hazard.BREAKS_OLD_CODE in piece.up.hazards


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_reaches_around_its_transaction_or_this_database_is_refused(text: str) -> None:
    """Undoing and recording ride with the transaction; what leaves it can be neither undone nor backed up."""
    with pytest.raises(Refused) as refusal:
        run_raw(raw(text))
    assert refusal.value.code == "statement-not-allowed"
    with pytest.raises(Refused):
        run_raw(raw(undo=(text,)))


def test_a_direction_without_statements_says_so() -> None:
    """Both databases are covered by a plan, if only by saying that there is nothing to do."""
    (piece,) = run_raw(raw())
    assert piece.down is not None
    for way in (piece.up, piece.down):
        assert way.statements == ()
        assert way.summary.startswith("nothing")


@pytest.mark.parametrize(
    ("text", "deletes"),
    [
        ("DELETE FROM t", True),
        ("ALTER TABLE t DROP COLUMN a", True),
        ("UPDATE t SET a = 1", True),
        ("INSERT INTO t VALUES ('DELETE')", False),
        ('ALTER TABLE t ADD COLUMN "drop" int', False),
    ],
)
def test_statements_that_may_delete_values_say_so(text: str, deletes: bool) -> None:
    """A person reads that before the plan is approved."""
    (piece,) = run_raw(raw(text))
    assert (Hazard.DELETES_DATA in piece.up.hazards) is deletes
