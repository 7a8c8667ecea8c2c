==== postgres-01 expand
-- up: create the table "public"."phones", with any rows that an earlier downgrade kept aside
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('phones')
--   before: no fields of phones are not as an earlier downgrade kept them with its rows
--     SELECT d.name FROM (((SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_fa5b3a4d34510a8b"') AND a.attnum > 0 AND NOT a.attisdropped) EXCEPT (SELECT 'owner', 'integer' UNION ALL SELECT 'position', 'integer' UNION ALL SELECT 'label', 'text' UNION ALL SELECT 'number', 'character varying(40)')) UNION ALL ((SELECT 'owner', 'integer' UNION ALL SELECT 'position', 'integer' UNION ALL SELECT 'label', 'text' UNION ALL SELECT 'number', 'character varying(40)') EXCEPT (SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_fa5b3a4d34510a8b"') AND a.attnum > 0 AND NOT a.attisdropped))) AS d (name, kind) WHERE to_regclass('"database_migration_kept"."kept_fa5b3a4d34510a8b"') IS NOT NULL
CREATE TABLE "public"."phones" ("owner" integer NOT NULL, "position" integer NOT NULL, "label" text, "number" character varying(40), PRIMARY KEY ("owner", "position"));
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_fa5b3a4d34510a8b" ("owner" integer, "position" integer, "label" text, "number" character varying(40));
INSERT INTO "public"."phones" ("owner", "position", "label", "number") SELECT "owner", "position", "label", "number" FROM "database_migration_kept"."kept_fa5b3a4d34510a8b";  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_fa5b3a4d34510a8b";  -- ACCESS EXCLUSIVE
-- down: drop the table "public"."phones", keeping its rows aside
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
--   before: no fields of phones came about elsewhere, and their values would not be kept
--     SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"public"."phones"') AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('owner', 'position', 'label', 'number')
LOCK TABLE "public"."phones" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_fa5b3a4d34510a8b" ("owner" integer, "position" integer, "label" text, "number" character varying(40));
INSERT INTO "database_migration_kept"."kept_fa5b3a4d34510a8b" ("owner", "position", "label", "number") SELECT "owner", "position", "label", "number" FROM "public"."phones";  -- ROW EXCLUSIVE
DROP TABLE "public"."phones";  -- ACCESS EXCLUSIVE

==== postgres-02 expand
-- up: hold new rows of "public"."phones" to "fk_phones_owner"
--   dangers: breaks_old_code
--   before: no records of phones point to a record that is gone
--     SELECT concat_ws(', ', t."owner"::text, t."position"::text) FROM "public"."phones" AS t WHERE t."owner" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."owner")
ALTER TABLE "public"."phones" ADD CONSTRAINT "fk_phones_owner" FOREIGN KEY ("owner") REFERENCES "public"."owners"("OwnerID") ON DELETE CASCADE NOT VALID;  -- SHARE ROW EXCLUSIVE
-- down: drop the constraint "fk_phones_owner" of "public"."phones"
--   dangers: weakens_constraint
ALTER TABLE "public"."phones" DROP CONSTRAINT "fk_phones_owner";  -- ACCESS EXCLUSIVE

==== postgres-03 expand
-- up: nothing: "public"."owners"."Phones" may be empty already
-- down: nothing: "public"."owners"."Phones" may be empty already

==== postgres-04 backfill
-- up: make a record of "public"."phones" for every one of owners that has none yet
--   dangers: not_atomic
-- in batches: make a record of "public"."phones" for every one of owners that has none yet
--   owner = OwnerID, position = index, label, number;  -- ROW EXCLUSIVE
-- down: delete the records of "public"."phones" that were made and nobody wrote to since
--   dangers: not_atomic
-- in batches: delete the records of "public"."phones" that were made and nobody wrote to since;  -- ROW EXCLUSIVE

==== postgres-05 backfill
-- up: nothing now: on the way back, Phones of "public"."owners" gets what was written meanwhile
-- down: carry what was written since over to Phones of "public"."owners"
--   dangers: not_atomic
-- in batches: carry what was written since over to Phones of "public"."owners"
--   position, label, number of phones, where its owner equals OwnerID
--   by the function embed;  -- ROW EXCLUSIVE

==== postgres-06 validate
-- up: hold the rows that "public"."phones" has to "fk_phones_owner" while others write
--   dangers: scans
--   after: no records of phones point to a record that is gone
--     SELECT concat_ws(', ', t."owner"::text, t."position"::text) FROM "public"."phones" AS t WHERE t."owner" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."owner")
ALTER TABLE "public"."phones" VALIDATE CONSTRAINT "fk_phones_owner";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fk_phones_owner" may stay valid until it goes

==== postgres-07 contract
-- up: hide the column "public"."owners"."Phones" as "_retired_cfc922ac_Phones", keeping its values
--   dangers: retires_data, breaks_old_code
ALTER TABLE "public"."owners" RENAME COLUMN "Phones" TO "_retired_cfc922ac_Phones";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."owners"."Phones" back with its values, indexes and constraints
ALTER TABLE "public"."owners" RENAME COLUMN "_retired_cfc922ac_Phones" TO "Phones";  -- ACCESS EXCLUSIVE

