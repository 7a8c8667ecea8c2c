==== postgres-01 expand
-- up: add the column "public"."items"."condition", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_9f90b3377b138ea4" (key jsonb PRIMARY KEY, value character varying(40));
ALTER TABLE "public"."items" ADD COLUMN "condition" character varying(40);  -- ACCESS EXCLUSIVE
UPDATE "public"."items" AS t SET "condition" = k.value FROM "database_migration_kept"."kept_9f90b3377b138ea4" AS k WHERE k.key = jsonb_build_array(t."ItemID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_9f90b3377b138ea4";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."items"."condition", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_9f90b3377b138ea4" (key jsonb PRIMARY KEY, value character varying(40));
INSERT INTO "database_migration_kept"."kept_9f90b3377b138ea4" (key, value) SELECT jsonb_build_array(t."ItemID"), t."condition" FROM "public"."items" AS t WHERE t."condition" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "condition";  -- ACCESS EXCLUSIVE

