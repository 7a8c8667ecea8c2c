==== postgres-01 concurrent
-- up: drop the index "ix_items_ItemName" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."ix_items_ItemName";  -- SHARE UPDATE EXCLUSIVE
-- down: build the index "ix_items_ItemName" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named ix_items_ItemName is missing or was left invalid
--     SELECT 'ix_items_ItemName' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."ix_items_ItemName"'))
CREATE INDEX CONCURRENTLY "ix_items_ItemName" ON public.items USING btree ("ItemName");  -- SHARE UPDATE EXCLUSIVE

