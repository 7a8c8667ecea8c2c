==== postgres-01 expand
-- up: nothing: "public"."items"."Bought" may be empty already
-- down: nothing: "public"."items"."Bought" may be empty already

==== postgres-02 expand
-- up: nothing: "public"."items"."Flag" may be empty already
-- down: nothing: "public"."items"."Flag" may be empty already

==== postgres-03 expand
-- up: add the column "public"."items"."origin", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_e9b2f85d4d7f708b" (key jsonb PRIMARY KEY, value text);
ALTER TABLE "public"."items" ADD COLUMN "origin" text;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" AS t SET "origin" = k.value FROM "database_migration_kept"."kept_e9b2f85d4d7f708b" AS k WHERE k.key = jsonb_build_array(t."ItemID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_e9b2f85d4d7f708b";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."items"."origin", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_e9b2f85d4d7f708b" (key jsonb PRIMARY KEY, value text);
INSERT INTO "database_migration_kept"."kept_e9b2f85d4d7f708b" (key, value) SELECT jsonb_build_array(t."ItemID"), t."origin" FROM "public"."items" AS t WHERE t."origin" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "origin";  -- ACCESS EXCLUSIVE

==== postgres-04 backfill
-- up: compute origin of every record of "public"."items", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute origin of every record of "public"."items", keeping the old values
--   by the function join;  -- ROW EXCLUSIVE
-- down: give origin of "public"."items" its old values where nobody wrote since; carry what was written since over to Bought, Flag of "public"."items"
--   dangers: not_atomic
-- in batches: give origin of "public"."items" its old values where nobody wrote since; carry what was written since over to Bought, Flag of "public"."items"
--   by the function split;  -- ROW EXCLUSIVE

==== postgres-05 contract
-- up: hide the column "public"."items"."Bought" as "_retired_5e488426_Bought", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Bought" TO "_retired_5e488426_Bought";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Bought" back with its values, indexes and constraints
ALTER TABLE "public"."items" RENAME COLUMN "_retired_5e488426_Bought" TO "Bought";  -- ACCESS EXCLUSIVE

==== postgres-06 contract
-- up: hide the column "public"."items"."Flag" as "_retired_b16d0f84_Flag", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Flag" TO "_retired_b16d0f84_Flag";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."Flag" back with its values, indexes and constraints
ALTER TABLE "public"."items" RENAME COLUMN "_retired_b16d0f84_Flag" TO "Flag";  -- ACCESS EXCLUSIVE

