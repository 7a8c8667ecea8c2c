==== postgres-01 concurrent
-- up: build the index "by_price" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named by_price is missing or was left invalid
--     SELECT 'by_price' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."by_price"'))
CREATE INDEX CONCURRENTLY "by_price" ON "public"."items" USING btree ("Price", "Quantity" DESC);  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "by_price" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."by_price";  -- SHARE UPDATE EXCLUSIVE

