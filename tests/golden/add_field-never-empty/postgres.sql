==== postgres-01 expand
-- up: add the column "public"."items"."rank", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_faf8617fce060dd3" (key jsonb PRIMARY KEY, value integer);
ALTER TABLE "public"."items" ADD COLUMN "rank" integer DEFAULT '7'::integer NOT NULL;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" AS t SET "rank" = k.value FROM "database_migration_kept"."kept_faf8617fce060dd3" AS k WHERE k.key = jsonb_build_array(t."ItemID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_faf8617fce060dd3";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."items"."rank", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_faf8617fce060dd3" (key jsonb PRIMARY KEY, value integer);
INSERT INTO "database_migration_kept"."kept_faf8617fce060dd3" (key, value) SELECT jsonb_build_array(t."ItemID"), t."rank" FROM "public"."items" AS t WHERE t."rank" IS DISTINCT FROM '7'::integer;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "rank";  -- ACCESS EXCLUSIVE

