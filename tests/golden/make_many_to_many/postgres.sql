==== postgres-01 expand
-- up: create the table "public"."item_owners", with any rows that an earlier downgrade kept aside
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('item_owners')
--   before: no fields of item_owners are not as an earlier downgrade kept them with its rows
--     SELECT d.name FROM (((SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_272c2cfba692da1b"') AND a.attnum > 0 AND NOT a.attisdropped) EXCEPT (SELECT 'ItemID', 'integer' UNION ALL SELECT 'OwnerID', 'integer')) UNION ALL ((SELECT 'ItemID', 'integer' UNION ALL SELECT 'OwnerID', 'integer') EXCEPT (SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_272c2cfba692da1b"') AND a.attnum > 0 AND NOT a.attisdropped))) AS d (name, kind) WHERE to_regclass('"database_migration_kept"."kept_272c2cfba692da1b"') IS NOT NULL
CREATE TABLE "public"."item_owners" ("ItemID" integer NOT NULL, "OwnerID" integer NOT NULL, PRIMARY KEY ("ItemID", "OwnerID"));
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_272c2cfba692da1b" ("ItemID" integer, "OwnerID" integer);
INSERT INTO "public"."item_owners" ("ItemID", "OwnerID") SELECT "ItemID", "OwnerID" FROM "database_migration_kept"."kept_272c2cfba692da1b";  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_272c2cfba692da1b";  -- ACCESS EXCLUSIVE
-- down: drop the table "public"."item_owners", keeping its rows aside
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
--   before: no fields of item_owners came about elsewhere, and their values would not be kept
--     SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"public"."item_owners"') AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('ItemID', 'OwnerID')
LOCK TABLE "public"."item_owners" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_272c2cfba692da1b" ("ItemID" integer, "OwnerID" integer);
INSERT INTO "database_migration_kept"."kept_272c2cfba692da1b" ("ItemID", "OwnerID") SELECT "ItemID", "OwnerID" FROM "public"."item_owners";  -- ROW EXCLUSIVE
DROP TABLE "public"."item_owners";  -- ACCESS EXCLUSIVE

==== postgres-02 expand
-- up: hold new rows of "public"."item_owners" to "fk_item_owners_ItemID"
--   dangers: breaks_old_code
--   before: no records of item_owners point to a record that is gone
--     SELECT concat_ws(', ', t."ItemID"::text, t."OwnerID"::text) FROM "public"."item_owners" AS t WHERE t."ItemID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."items" AS r WHERE r."ItemID" = t."ItemID")
ALTER TABLE "public"."item_owners" ADD CONSTRAINT "fk_item_owners_ItemID" FOREIGN KEY ("ItemID") REFERENCES "public"."items"("ItemID") ON DELETE CASCADE NOT VALID;  -- SHARE ROW EXCLUSIVE
-- down: drop the constraint "fk_item_owners_ItemID" of "public"."item_owners"
--   dangers: weakens_constraint
ALTER TABLE "public"."item_owners" DROP CONSTRAINT "fk_item_owners_ItemID";  -- ACCESS EXCLUSIVE

==== postgres-03 expand
-- up: hold new rows of "public"."item_owners" to "fk_item_owners_OwnerID"
--   dangers: breaks_old_code
--   before: no records of item_owners point to a record that is gone
--     SELECT concat_ws(', ', t."ItemID"::text, t."OwnerID"::text) FROM "public"."item_owners" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."item_owners" ADD CONSTRAINT "fk_item_owners_OwnerID" FOREIGN KEY ("OwnerID") REFERENCES "public"."owners"("OwnerID") ON DELETE CASCADE NOT VALID;  -- SHARE ROW EXCLUSIVE
-- down: drop the constraint "fk_item_owners_OwnerID" of "public"."item_owners"
--   dangers: weakens_constraint
ALTER TABLE "public"."item_owners" DROP CONSTRAINT "fk_item_owners_OwnerID";  -- ACCESS EXCLUSIVE

==== postgres-04 expand
-- up: nothing: "public"."items"."OwnerID" may be empty already
-- down: nothing: "public"."items"."OwnerID" may be empty already

==== postgres-05 backfill
-- up: make a record of "public"."item_owners" for every one of items that has none yet
--   dangers: not_atomic
-- in batches: make a record of "public"."item_owners" for every one of items that has none yet
--   ItemID, OwnerID;  -- ROW EXCLUSIVE
-- down: delete the records of "public"."item_owners" that were made and nobody wrote to since
--   dangers: not_atomic
-- in batches: delete the records of "public"."item_owners" that were made and nobody wrote to since;  -- ROW EXCLUSIVE

==== postgres-06 backfill
-- up: nothing now: on the way back, OwnerID of "public"."items" gets what was written meanwhile
-- down: carry what was written since over to OwnerID of "public"."items"
--   dangers: not_atomic
-- in batches: carry what was written since over to OwnerID of "public"."items"
--   OwnerID of item_owners, where its ItemID equals ItemID
--   by the function link;  -- ROW EXCLUSIVE

==== postgres-07 validate
-- up: hold the rows that "public"."item_owners" has to "fk_item_owners_ItemID" while others write
--   dangers: scans
--   after: no records of item_owners point to a record that is gone
--     SELECT concat_ws(', ', t."ItemID"::text, t."OwnerID"::text) FROM "public"."item_owners" AS t WHERE t."ItemID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."items" AS r WHERE r."ItemID" = t."ItemID")
ALTER TABLE "public"."item_owners" VALIDATE CONSTRAINT "fk_item_owners_ItemID";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fk_item_owners_ItemID" may stay valid until it goes

==== postgres-08 validate
-- up: hold the rows that "public"."item_owners" has to "fk_item_owners_OwnerID" while others write
--   dangers: scans
--   after: no records of item_owners point to a record that is gone
--     SELECT concat_ws(', ', t."ItemID"::text, t."OwnerID"::text) FROM "public"."item_owners" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."item_owners" VALIDATE CONSTRAINT "fk_item_owners_OwnerID";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fk_item_owners_OwnerID" may stay valid until it goes

==== postgres-09 contract
-- up: hide the column "public"."items"."OwnerID" as "_retired_5efecabf_OwnerID", keeping its values
--   dangers: retires_data, breaks_old_code, weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "items_OwnerID_fkey";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "OwnerID" TO "_retired_5efecabf_OwnerID";  -- ACCESS EXCLUSIVE
-- down: bring the column "public"."items"."OwnerID" back with its values, indexes and constraints
--   dangers: scans, blocks_reads
--   before: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM (SELECT t.*, t."_retired_5efecabf_OwnerID" AS "OwnerID" FROM "public"."items" AS t) AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM public.owners AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" RENAME COLUMN "_retired_5efecabf_OwnerID" TO "OwnerID";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD CONSTRAINT "items_OwnerID_fkey" FOREIGN KEY ("OwnerID") REFERENCES public.owners("OwnerID") ON DELETE CASCADE;  -- ACCESS EXCLUSIVE

