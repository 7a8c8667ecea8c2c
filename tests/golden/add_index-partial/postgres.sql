==== postgres-01 concurrent
-- up: build the index "by_cost" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named by_cost is missing or was left invalid
--     SELECT 'by_cost' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."by_cost"'))
CREATE INDEX CONCURRENTLY "by_cost" ON "public"."items" USING btree ("Cost") WHERE (("Active" = 'true'::boolean) AND ("Cost" > '0'::numeric(10,2)));  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "by_cost" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."by_cost";  -- SHARE UPDATE EXCLUSIVE

