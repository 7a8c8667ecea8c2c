==== postgres-01 concurrent
-- up: build the index "by_key" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named by_key is missing or was left invalid
--     SELECT 'by_key' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."by_key"'))
CREATE INDEX CONCURRENTLY "by_key" ON "public"."items" USING btree (lower("Key"));  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "by_key" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."by_key";  -- SHARE UPDATE EXCLUSIVE

