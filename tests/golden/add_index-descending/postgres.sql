==== postgres-01 concurrent
-- up: build the index "newest" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named newest is missing or was left invalid
--     SELECT 'newest' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."newest"'))
CREATE INDEX CONCURRENTLY "newest" ON "public"."items" USING btree ("Seen" DESC, "ItemName");  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "newest" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."newest";  -- SHARE UPDATE EXCLUSIVE

