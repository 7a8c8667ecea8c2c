==== postgres-01 contract
-- up: hide the column "public"."items"."Serial" as "_retired_48f9a050_Serial", keeping its values
--   dangers: retires_data, breaks_old_code, weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "items_Serial_key";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Serial" DROP NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "Serial" TO "_retired_48f9a050_Serial";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Serial" back with its values, indexes and constraints
--   dangers: scans, blocks_reads
--   before: no records of items share a value that items_Serial_key allows once
--     SELECT d.key FROM (SELECT t."ItemID"::text AS key, count(*) OVER (PARTITION BY "Serial") AS "database_migration copies" FROM (SELECT t.*, COALESCE(t."_retired_48f9a050_Serial", 'unknown'::character varying(64)) AS "Serial" FROM "public"."items" AS t) AS t WHERE "Serial" IS NOT NULL) AS d WHERE d."database_migration copies" > 1
ALTER TABLE "public"."items" RENAME COLUMN "_retired_48f9a050_Serial" TO "Serial";  -- ACCESS EXCLUSIVE
UPDATE "public"."items" SET "Serial" = 'unknown'::character varying(64) WHERE "Serial" IS NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Serial" SET NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD CONSTRAINT "items_Serial_key" UNIQUE ("Serial");  -- ACCESS EXCLUSIVE

