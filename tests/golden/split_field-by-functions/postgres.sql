==== postgres-01 expand
-- up: nothing: "public"."items"."Bought" may be empty already
-- down: nothing: "public"."items"."Bought" may be empty already

==== postgres-02 expand
-- up: add the column "public"."items"."bought_year", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_0d6a12081f034a23" (key jsonb PRIMARY KEY, value integer);
ALTER TABLE "public"."items" ADD COLUMN "bought_year" integer;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" AS t SET "bought_year" = k.value FROM "database_migration_kept"."kept_0d6a12081f034a23" AS k WHERE k.key = jsonb_build_array(t."ItemID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_0d6a12081f034a23";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."items"."bought_year", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_0d6a12081f034a23" (key jsonb PRIMARY KEY, value integer);
INSERT INTO "database_migration_kept"."kept_0d6a12081f034a23" (key, value) SELECT jsonb_build_array(t."ItemID"), t."bought_year" FROM "public"."items" AS t WHERE t."bought_year" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "bought_year";  -- ACCESS EXCLUSIVE

==== postgres-03 expand
-- up: add the column "public"."items"."bought_rest", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_817d96be900be58d" (key jsonb PRIMARY KEY, value text);
ALTER TABLE "public"."items" ADD COLUMN "bought_rest" text;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" AS t SET "bought_rest" = k.value FROM "database_migration_kept"."kept_817d96be900be58d" AS k WHERE k.key = jsonb_build_array(t."ItemID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_817d96be900be58d";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."items"."bought_rest", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_817d96be900be58d" (key jsonb PRIMARY KEY, value text);
INSERT INTO "database_migration_kept"."kept_817d96be900be58d" (key, value) SELECT jsonb_build_array(t."ItemID"), t."bought_rest" FROM "public"."items" AS t WHERE t."bought_rest" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "bought_rest";  -- ACCESS EXCLUSIVE

==== postgres-04 backfill
-- up: compute bought_year, bought_rest of every record of "public"."items", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute bought_year, bought_rest of every record of "public"."items", keeping the old values
--   by the function cut;  -- ROW EXCLUSIVE
-- down: give bought_year, bought_rest of "public"."items" its old values where nobody wrote since; carry what was written since over to Bought of "public"."items"
--   dangers: not_atomic
-- in batches: give bought_year, bought_rest of "public"."items" its old values where nobody wrote since; carry what was written since over to Bought of "public"."items"
--   by the function join;  -- ROW EXCLUSIVE

==== postgres-05 contract
-- up: hide the column "public"."items"."Bought" as "_retired_5e488426_Bought", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Bought" TO "_retired_5e488426_Bought";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Bought" back with its values, indexes and constraints
ALTER TABLE "public"."items" RENAME COLUMN "_retired_5e488426_Bought" TO "Bought";  -- ACCESS EXCLUSIVE

