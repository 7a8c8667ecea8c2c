==== postgres-01 concurrent
-- up: build the index "words" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named words is missing or was left invalid
--     SELECT 'words' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."words"'))
CREATE INDEX CONCURRENTLY "words" ON "public"."items" USING gin (to_tsvector('simple'::regconfig, COALESCE("ItemDesc", '') || ' ' || COALESCE("ItemName", '')));  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "words" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."words";  -- SHARE UPDATE EXCLUSIVE

