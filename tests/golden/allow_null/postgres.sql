==== postgres-01 expand
-- up: require "public"."items"."Serial" by a check alone
ALTER TABLE "public"."items" ADD CONSTRAINT "database_migration_required_1051f01d" CHECK ("Serial" IS NOT NULL) NOT VALID;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Serial" DROP NOT NULL;  -- ACCESS EXCLUSIVE
-- down: require "public"."items"."Serial", as the valid check has shown
--   after: no records of items have no value in Serial
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Serial" IS NULL
ALTER TABLE "public"."items" ALTER COLUMN "Serial" SET NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP CONSTRAINT "database_migration_required_1051f01d";  -- ACCESS EXCLUSIVE

==== postgres-02 validate
-- up: nothing: the check of "Serial" may stay valid until it goes
-- down: look for rows of "public"."items" without "Serial" while others write
--   dangers: scans
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "database_migration_required_1051f01d";  -- SHARE UPDATE EXCLUSIVE

==== postgres-03 contract
-- up: let new rows of "public"."items" leave "Serial" empty
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "database_migration_required_1051f01d";  -- ACCESS EXCLUSIVE
-- down: refuse new rows of "public"."items" without "Serial"
--   dangers: breaks_old_code
--   before: no records of items have no value in Serial
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Serial" IS NULL
ALTER TABLE "public"."items" ADD CONSTRAINT "database_migration_required_1051f01d" CHECK ("Serial" IS NOT NULL) NOT VALID;  -- ACCESS EXCLUSIVE

