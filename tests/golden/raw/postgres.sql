==== postgres-01 contract
-- up: run 1 statement that the migration gives for PostgreSQL
--   dangers: breaks_old_code, blocks_reads, scans, deletes_data
SET LOCAL search_path TO "public";
UPDATE "items" SET "Flag" = 'yes' WHERE "Flag" = 'true';  -- ACCESS EXCLUSIVE
SET LOCAL search_path TO DEFAULT;
-- down: run 1 statement that the migration gives for undoing PostgreSQL
--   dangers: breaks_old_code, blocks_reads, scans, deletes_data
SET LOCAL search_path TO "public";
UPDATE "items" SET "Flag" = 'true' WHERE "Flag" = 'yes';  -- ACCESS EXCLUSIVE
SET LOCAL search_path TO DEFAULT;

