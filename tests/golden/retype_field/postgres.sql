==== postgres-01 expand
-- up: convert "public"."items"."Price" from String(32) to Decimal(12,2), keeping the old as "_retired_b894d6e7_Price"
--   dangers: blocks_reads, scans, rewrites, retires_data, breaks_old_code
--   before: no records of items have a value in Price that cannot go from String(32) to Decimal(12,2)
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Price" IS NOT NULL AND (CASE WHEN t."Price"::text IN ('NaN') THEN false ELSE CASE WHEN char_length(btrim(t."Price"::text, E' \t\n\r\f\x0B')) <= 1000 AND btrim(t."Price"::text, E' \t\n\r\f\x0B') ~ '^([+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?)$' THEN NOT (btrim(t."Price"::text, E' \t\n\r\f\x0B')::numeric = round(btrim(t."Price"::text, E' \t\n\r\f\x0B')::numeric, 2) AND NOT (CASE WHEN btrim(t."Price"::text, E' \t\n\r\f\x0B')::numeric = 'NaN'::numeric THEN false ELSE CASE WHEN btrim(t."Price"::text, E' \t\n\r\f\x0B')::numeric IN ('Infinity'::numeric, '-Infinity'::numeric) THEN true ELSE abs(round(btrim(t."Price"::text, E' \t\n\r\f\x0B')::numeric, 2)) >= 10000000000 END END)) ELSE true END END)
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
DROP INDEX "public"."ix_items_lower";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "Price" TO "_retired_b894d6e7_Price";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD COLUMN "Price" numeric(12,2);  -- ACCESS EXCLUSIVE
UPDATE "public"."items" SET "Price" = btrim("_retired_b894d6e7_Price"::text, E' \t\n\r\f\x0B')::numeric(12,2) WHERE "_retired_b894d6e7_Price" IS NOT NULL;  -- ROW EXCLUSIVE
CREATE INDEX ix_items_lower ON public.items USING btree (lower("ItemDesc")) WHERE ("Price" IS NOT NULL);  -- SHARE
-- down: bring back "public"."items"."Price" as String(32) with its old values
--   dangers: blocks_reads, scans, breaks_old_code
--   before: no records of items got a value in Price that does not fit String(32)
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Price" IS DISTINCT FROM CASE WHEN t."_retired_b894d6e7_Price" IS NOT NULL THEN btrim(t."_retired_b894d6e7_Price"::text, E' \t\n\r\f\x0B')::numeric(12,2) END AND t."Price" IS NOT NULL AND (char_length(t."Price"::text) > 32)
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" SET "_retired_b894d6e7_Price" = CASE WHEN "Price" IS NOT NULL THEN "Price"::text END WHERE "Price" IS DISTINCT FROM CASE WHEN "_retired_b894d6e7_Price" IS NOT NULL THEN btrim("_retired_b894d6e7_Price"::text, E' \t\n\r\f\x0B')::numeric(12,2) END;  -- ROW EXCLUSIVE
DROP INDEX "public"."ix_items_lower";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "Price";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "_retired_b894d6e7_Price" TO "Price";  -- ACCESS EXCLUSIVE
CREATE INDEX ix_items_lower ON public.items USING btree (lower("ItemDesc")) WHERE ("Price" IS NOT NULL);  -- SHARE

