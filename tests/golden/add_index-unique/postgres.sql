==== postgres-01 concurrent
-- up: build the unique index "once" on "public"."items" while others write
--   dangers: scans, not_atomic
--   before: no records of items share a value that once allows once
--     SELECT d.key FROM (SELECT t."ItemID"::text AS key, count(*) OVER (PARTITION BY "ItemName", "ItemID") AS "database_migration copies" FROM "public"."items" AS t WHERE "ItemName" IS NOT NULL AND "ItemID" IS NOT NULL) AS d WHERE d."database_migration copies" > 1
--   after: no index named once is missing or was left invalid
--     SELECT 'once' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."once"'))
CREATE UNIQUE INDEX CONCURRENTLY "once" ON "public"."items" USING btree ("ItemName", "ItemID" DESC);  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "once" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."once";  -- SHARE UPDATE EXCLUSIVE

