==== postgres-01 concurrent
-- up: build the index "seen" on "public"."items" while others write; PostgreSQL deletes no rows by itself, so this index only finds those that are due
--   dangers: scans, not_atomic
--   after: no index named seen is missing or was left invalid
--     SELECT 'seen' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."seen"'))
CREATE INDEX CONCURRENTLY "seen" ON "public"."items" USING btree ("Seen");  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "seen" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."seen";  -- SHARE UPDATE EXCLUSIVE

