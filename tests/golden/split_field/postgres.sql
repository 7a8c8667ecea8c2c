==== postgres-01 expand
-- up: let rows of "public"."owners" leave "Name" empty
--   dangers: weakens_constraint
ALTER TABLE "public"."owners" ALTER COLUMN "Name" DROP NOT NULL;  -- ACCESS EXCLUSIVE
-- down: require "public"."owners"."Name" again
--   dangers: scans, blocks_reads
--   before: no records of owners have no value in Name
--     SELECT t."OwnerID"::text FROM "public"."owners" AS t WHERE t."Name" IS NULL
--   after: no records of owners have no value in Name
--     SELECT t."OwnerID"::text FROM "public"."owners" AS t WHERE t."Name" IS NULL
ALTER TABLE "public"."owners" ALTER COLUMN "Name" SET NOT NULL;  -- ACCESS EXCLUSIVE

==== postgres-02 expand
-- up: add the column "public"."owners"."first_name", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_78a5015576df5e5a" (key jsonb PRIMARY KEY, value text);
ALTER TABLE "public"."owners" ADD COLUMN "first_name" text;  -- ACCESS EXCLUSIVE
UPDATE "public"."owners" AS t SET "first_name" = k.value FROM "database_migration_kept"."kept_78a5015576df5e5a" AS k WHERE k.key = jsonb_build_array(t."OwnerID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_78a5015576df5e5a";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."owners"."first_name", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_78a5015576df5e5a" (key jsonb PRIMARY KEY, value text);
INSERT INTO "database_migration_kept"."kept_78a5015576df5e5a" (key, value) SELECT jsonb_build_array(t."OwnerID"), t."first_name" FROM "public"."owners" AS t WHERE t."first_name" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."owners" DROP COLUMN "first_name";  -- ACCESS EXCLUSIVE

==== postgres-03 expand
-- up: add the column "public"."owners"."last_name", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_a5e06a76c97552f7" (key jsonb PRIMARY KEY, value text);
ALTER TABLE "public"."owners" ADD COLUMN "last_name" text;  -- ACCESS EXCLUSIVE
UPDATE "public"."owners" AS t SET "last_name" = k.value FROM "database_migration_kept"."kept_a5e06a76c97552f7" AS k WHERE k.key = jsonb_build_array(t."OwnerID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_a5e06a76c97552f7";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."owners"."last_name", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_a5e06a76c97552f7" (key jsonb PRIMARY KEY, value text);
INSERT INTO "database_migration_kept"."kept_a5e06a76c97552f7" (key, value) SELECT jsonb_build_array(t."OwnerID"), t."last_name" FROM "public"."owners" AS t WHERE t."last_name" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."owners" DROP COLUMN "last_name";  -- ACCESS EXCLUSIVE

==== postgres-04 backfill
-- up: compute first_name, last_name of every record of "public"."owners", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute first_name, last_name of every record of "public"."owners", keeping the old values
--   by the function split;  -- ROW EXCLUSIVE
-- down: give first_name, last_name of "public"."owners" its old values where nobody wrote since; carry what was written since over to Name of "public"."owners"
--   dangers: not_atomic
-- in batches: give first_name, last_name of "public"."owners" its old values where nobody wrote since; carry what was written since over to Name of "public"."owners"
--   by the function join;  -- ROW EXCLUSIVE

==== postgres-05 contract
-- up: hide the column "public"."owners"."Name" as "_retired_627e7112_Name", keeping its values
--   dangers: retires_data, breaks_old_code, weakens_constraint
ALTER TABLE "public"."owners" DROP CONSTRAINT "owners_Name_key";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."owners" RENAME COLUMN "Name" TO "_retired_627e7112_Name";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."owners"."Name" back with its values, indexes and constraints
--   dangers: scans, blocks_reads
--   before: no records of owners share a value that owners_Name_key allows once
--     SELECT d.key FROM (SELECT t."OwnerID"::text AS key, count(*) OVER (PARTITION BY "Name") AS "database_migration copies" FROM (SELECT t.*, t."_retired_627e7112_Name" AS "Name" FROM "public"."owners" AS t) AS t WHERE "Name" IS NOT NULL) AS d WHERE d."database_migration copies" > 1
ALTER TABLE "public"."owners" RENAME COLUMN "_retired_627e7112_Name" TO "Name";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."owners" ADD CONSTRAINT "owners_Name_key" UNIQUE ("Name");  -- ACCESS EXCLUSIVE

