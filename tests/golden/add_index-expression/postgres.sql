==== postgres-01 concurrent
-- up: build the index "by_size" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named by_size is missing or was left invalid
--     SELECT 'by_size' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."by_size"'))
CREATE INDEX CONCURRENTLY "by_size" ON "public"."items" USING btree ((abs("Weight")));  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "by_size" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."by_size";  -- SHARE UPDATE EXCLUSIVE

