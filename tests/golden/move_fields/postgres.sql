==== postgres-01 expand
-- up: nothing: "public"."items"."Facts" may be empty already
-- down: nothing: "public"."items"."Facts" may be empty already

==== postgres-02 expand
-- up: add the column "public"."owners"."Facts", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_189092aeadf3834b" (key jsonb PRIMARY KEY, value jsonb);
ALTER TABLE "public"."owners" ADD COLUMN "Facts" jsonb;  -- ACCESS EXCLUSIVE
UPDATE "public"."owners" AS t SET "Facts" = k.value FROM "database_migration_kept"."kept_189092aeadf3834b" AS k WHERE k.key = jsonb_build_array(t."OwnerID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_189092aeadf3834b";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."owners"."Facts", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_189092aeadf3834b" (key jsonb PRIMARY KEY, value jsonb);
INSERT INTO "database_migration_kept"."kept_189092aeadf3834b" (key, value) SELECT jsonb_build_array(t."OwnerID"), t."Facts" FROM "public"."owners" AS t WHERE t."Facts" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."owners" DROP COLUMN "Facts";  -- ACCESS EXCLUSIVE

==== postgres-03 expand
-- up: nothing: "public"."items"."Weight" may be empty already
-- down: nothing: "public"."items"."Weight" may be empty already

==== postgres-04 expand
-- up: add the column "public"."owners"."Weight", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_854d86beae0c103e" (key jsonb PRIMARY KEY, value double precision);
ALTER TABLE "public"."owners" ADD COLUMN "Weight" double precision;  -- ACCESS EXCLUSIVE
UPDATE "public"."owners" AS t SET "Weight" = k.value FROM "database_migration_kept"."kept_854d86beae0c103e" AS k WHERE k.key = jsonb_build_array(t."OwnerID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_854d86beae0c103e";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."owners"."Weight", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_854d86beae0c103e" (key jsonb PRIMARY KEY, value double precision);
INSERT INTO "database_migration_kept"."kept_854d86beae0c103e" (key, value) SELECT jsonb_build_array(t."OwnerID"), t."Weight" FROM "public"."owners" AS t WHERE t."Weight" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."owners" DROP COLUMN "Weight";  -- ACCESS EXCLUSIVE

==== postgres-05 backfill
-- up: compute Facts, Weight of every record of "public"."owners", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute Facts, Weight of every record of "public"."owners", keeping the old values
--   Facts, Weight of items, where its OwnerID equals OwnerID
--   by the function take;  -- ROW EXCLUSIVE
-- down: give Facts, Weight of "public"."owners" its old values where nobody wrote since
--   dangers: not_atomic
-- in batches: give Facts, Weight of "public"."owners" its old values where nobody wrote since;  -- ROW EXCLUSIVE

==== postgres-06 backfill
-- up: nothing now: on the way back, Facts, Weight of "public"."items" gets what was written meanwhile
-- down: carry what was written since over to Facts, Weight of "public"."items"
--   dangers: not_atomic
-- in batches: carry what was written since over to Facts, Weight of "public"."items"
--   Facts, Weight of owners, where its OwnerID equals OwnerID
--   by the function take;  -- ROW EXCLUSIVE

==== postgres-07 contract
-- up: hide the column "public"."items"."Facts" as "_retired_650e2b4a_Facts", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Facts" TO "_retired_650e2b4a_Facts";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Facts" back with its values, indexes and constraints
ALTER TABLE "public"."items" RENAME COLUMN "_retired_650e2b4a_Facts" TO "Facts";  -- ACCESS EXCLUSIVE

==== postgres-08 contract
-- up: hide the column "public"."items"."Weight" as "_retired_0c90229d_Weight", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Weight" TO "_retired_0c90229d_Weight";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Weight" back with its values, indexes and constraints
ALTER TABLE "public"."items" RENAME COLUMN "_retired_0c90229d_Weight" TO "Weight";  -- ACCESS EXCLUSIVE

