==== postgres-01 contract
-- up: hide the table "public"."owners" as "database_migration_kept"."entity_193430bc4fe35634", keeping its rows
--   dangers: retires_data, breaks_old_code, weakens_constraint
ALTER TABLE "public"."badges" DROP CONSTRAINT "badges_OwnerID_fkey";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP CONSTRAINT "items_OwnerID_fkey";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."owners_Name_key" RENAME TO "entity_193430bc4fe35634_i0";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."owners_pkey" RENAME TO "entity_193430bc4fe35634_i1";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."owners" RENAME TO "entity_193430bc4fe35634";  -- ACCESS EXCLUSIVE
CREATE SCHEMA IF NOT EXISTS "database_migration_kept";
ALTER TABLE "public"."entity_193430bc4fe35634" SET SCHEMA "database_migration_kept";  -- ACCESS EXCLUSIVE
-- down: bring the table "public"."owners" back with its rows, indexes and constraints
--   dangers: scans, blocks_reads
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('owners', 'owners_Name_key', 'owners_pkey')
--   before: no records point by badges.badges_OwnerID_fkey to a record of owners that is gone
--     SELECT concat_ws(', ', c."OwnerID"::text) FROM "public"."badges" AS c WHERE c."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "database_migration_kept"."entity_193430bc4fe35634" AS t WHERE t."OwnerID" = c."OwnerID")
--   before: no records point by items.items_OwnerID_fkey to a record of owners that is gone
--     SELECT concat_ws(', ', c."OwnerID"::text) FROM "public"."items" AS c WHERE c."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "database_migration_kept"."entity_193430bc4fe35634" AS t WHERE t."OwnerID" = c."OwnerID")
ALTER TABLE "database_migration_kept"."entity_193430bc4fe35634" SET SCHEMA "public";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."entity_193430bc4fe35634" RENAME TO "owners";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."entity_193430bc4fe35634_i1" RENAME TO "owners_pkey";  -- ACCESS EXCLUSIVE
ALTER INDEX "public"."entity_193430bc4fe35634_i0" RENAME TO "owners_Name_key";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD CONSTRAINT "items_OwnerID_fkey" FOREIGN KEY ("OwnerID") REFERENCES public.owners("OwnerID") ON DELETE CASCADE;  -- SHARE ROW EXCLUSIVE
ALTER TABLE "public"."badges" ADD CONSTRAINT "badges_OwnerID_fkey" FOREIGN KEY ("OwnerID") REFERENCES public.owners("OwnerID") ON DELETE CASCADE;  -- SHARE ROW EXCLUSIVE

