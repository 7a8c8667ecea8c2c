==== postgres-01 contract
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

