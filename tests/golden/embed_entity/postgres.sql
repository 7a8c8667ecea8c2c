==== postgres-01 expand
-- up: add the column "public"."owners"."badges_worn", with any values that an earlier downgrade kept aside
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_79c130d58db0c0d9" (key jsonb PRIMARY KEY, value jsonb);
ALTER TABLE "public"."owners" ADD COLUMN "badges_worn" jsonb;  -- ACCESS EXCLUSIVE
UPDATE "public"."owners" AS t SET "badges_worn" = k.value FROM "database_migration_kept"."kept_79c130d58db0c0d9" AS k WHERE k.key = jsonb_build_array(t."OwnerID");  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_79c130d58db0c0d9";  -- ACCESS EXCLUSIVE
-- down: drop the column "public"."owners"."badges_worn", keeping aside values that differ from its default
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
LOCK TABLE "public"."owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_79c130d58db0c0d9" (key jsonb PRIMARY KEY, value jsonb);
INSERT INTO "database_migration_kept"."kept_79c130d58db0c0d9" (key, value) SELECT jsonb_build_array(t."OwnerID"), t."badges_worn" FROM "public"."owners" AS t WHERE t."badges_worn" IS DISTINCT FROM NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."owners" DROP COLUMN "badges_worn";  -- ACCESS EXCLUSIVE

==== postgres-02 backfill
-- up: compute badges_worn of every record of "public"."owners", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute badges_worn of every record of "public"."owners", keeping the old values
--   BadgeID, Words of badges, where its OwnerID equals OwnerID;  -- ROW EXCLUSIVE
-- down: give badges_worn of "public"."owners" its old values where nobody wrote since
--   dangers: not_atomic
-- in batches: give badges_worn of "public"."owners" its old values where nobody wrote since;  -- ROW EXCLUSIVE

==== postgres-03 backfill
-- up: nothing now: on the way back, Words of "public"."badges" gets what was written meanwhile
-- down: carry what was written since over to Words of "public"."badges"
--   dangers: not_atomic
-- in batches: carry what was written since over to Words of "public"."badges"
--   badges_worn of owners, where its OwnerID equals OwnerID
--   by the function take;  -- ROW EXCLUSIVE

==== postgres-04 contract
-- up: hide the table "public"."badges" as "database_migration_kept"."entity_56d348650298e9f2", keeping its rows
--   dangers: retires_data, breaks_old_code, weakens_constraint
ALTER TABLE "public"."badges" DROP CONSTRAINT "badges_OwnerID_fkey";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."badges_pkey" RENAME TO "entity_56d348650298e9f2_i0";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."badges" RENAME TO "entity_56d348650298e9f2";  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
ALTER TABLE "public"."entity_56d348650298e9f2" SET SCHEMA "database_migration_kept";  -- ACCESS EXCLUSIVE
-- down: bring the table "public"."badges" back with its rows, indexes and constraints
--   dangers: scans, blocks_reads
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('badges', 'badges_pkey')
--   before: no records of badges point to a record that is gone
--     SELECT t."BadgeID"::text FROM "database_migration_kept"."entity_56d348650298e9f2" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM public.owners AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "database_migration_kept"."entity_56d348650298e9f2" SET SCHEMA "public";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."entity_56d348650298e9f2" RENAME TO "badges";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."entity_56d348650298e9f2_i0" RENAME TO "badges_pkey";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."badges" ADD CONSTRAINT "badges_OwnerID_fkey" FOREIGN KEY ("OwnerID") REFERENCES public.owners("OwnerID") ON DELETE CASCADE;  -- ACCESS EXCLUSIVE

