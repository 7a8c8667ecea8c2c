==== postgres-01 contract
-- up: hide the column "public"."items"."ItemDesc" as "_retired_e3dd1c48_ItemDesc", keeping its values
--   dangers: retires_data, breaks_old_code
DROP INDEX "public"."ix_items_lower";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "ItemDesc" TO "_retired_e3dd1c48_ItemDesc";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."ItemDesc" back with its values, indexes and constraints
--   dangers: scans, blocks_reads
ALTER TABLE "public"."items" RENAME COLUMN "_retired_e3dd1c48_ItemDesc" TO "ItemDesc";  -- ACCESS EXCLUSIVE
CREATE INDEX ix_items_lower ON public.items USING btree (lower("ItemDesc")) WHERE ("Price" IS NOT NULL);  -- SHARE

