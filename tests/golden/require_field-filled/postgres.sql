==== postgres-01 backfill
-- up: compute Price of every record of "public"."items", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute Price of every record of "public"."items", keeping the old values
--   by the function fill;  -- ROW EXCLUSIVE
-- down: give Price of "public"."items" its old values where nobody wrote since
--   dangers: not_atomic
-- in batches: give Price of "public"."items" its old values where nobody wrote since;  -- ROW EXCLUSIVE

==== postgres-02 validate
-- up: refuse new rows of "public"."items" without "Price"
--   dangers: breaks_old_code
--   before: no records of items have no value in Price
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Price" IS NULL
ALTER TABLE "public"."items" ADD CONSTRAINT "database_migration_required_84a05ace" CHECK ("Price" IS NOT NULL) NOT VALID;  -- ACCESS EXCLUSIVE
-- down: drop the check of "Price", where it is there
ALTER TABLE "public"."items" DROP CONSTRAINT IF EXISTS "database_migration_required_84a05ace";  -- ACCESS EXCLUSIVE

==== postgres-03 validate
-- up: look for rows of "public"."items" without "Price" while others write
--   dangers: scans
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "database_migration_required_84a05ace";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: the check of "Price" may stay valid until it goes

==== postgres-04 contract
-- up: require "public"."items"."Price", as the valid check has shown
--   after: no records of items have no value in Price
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Price" IS NULL
ALTER TABLE "public"."items" ALTER COLUMN "Price" SET NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP CONSTRAINT "database_migration_required_84a05ace";  -- ACCESS EXCLUSIVE
-- down: let rows of "public"."items" leave "Price" empty again
--   dangers: weakens_constraint
ALTER TABLE "public"."items" ALTER COLUMN "Price" DROP NOT NULL;  -- ACCESS EXCLUSIVE

