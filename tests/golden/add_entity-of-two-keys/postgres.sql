==== postgres-01 expand
-- up: create the table "public"."prices", with any rows that an earlier downgrade kept aside
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('prices')
--   before: no fields of prices are not as an earlier downgrade kept them with its rows
--     SELECT d.name FROM (((SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_0431fd4919c852cd"') AND a.attnum > 0 AND NOT a.attisdropped) EXCEPT (SELECT 'item', 'integer' UNION ALL SELECT 'day', 'date' UNION ALL SELECT 'price', 'numeric(12,2)')) UNION ALL ((SELECT 'item', 'integer' UNION ALL SELECT 'day', 'date' UNION ALL SELECT 'price', 'numeric(12,2)') EXCEPT (SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"database_migration_kept"."kept_0431fd4919c852cd"') AND a.attnum > 0 AND NOT a.attisdropped))) AS d (name, kind) WHERE to_regclass('"database_migration_kept"."kept_0431fd4919c852cd"') IS NOT NULL
CREATE TABLE "public"."prices" ("item" integer NOT NULL, "day" date NOT NULL, "price" numeric(12,2), PRIMARY KEY ("item", "day"));
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_0431fd4919c852cd" ("item" integer, "day" date, "price" numeric(12,2));
INSERT INTO "public"."prices" ("item", "day", "price") SELECT "item", "day", "price" FROM "database_migration_kept"."kept_0431fd4919c852cd";  -- ROW EXCLUSIVE
DROP TABLE "database_migration_kept"."kept_0431fd4919c852cd";  -- ACCESS EXCLUSIVE
-- down: drop the table "public"."prices", keeping its rows aside
--   dangers: breaks_old_code, scans, retires_data, blocks_reads
--   before: no fields of prices came about elsewhere, and their values would not be kept
--     SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = to_regclass('"public"."prices"') AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('item', 'day', 'price')
LOCK TABLE "public"."prices" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
CREATE TABLE IF NOT EXISTS "database_migration_kept"."kept_0431fd4919c852cd" ("item" integer, "day" date, "price" numeric(12,2));
INSERT INTO "database_migration_kept"."kept_0431fd4919c852cd" ("item", "day", "price") SELECT "item", "day", "price" FROM "public"."prices";  -- ROW EXCLUSIVE
DROP TABLE "public"."prices";  -- ACCESS EXCLUSIVE

