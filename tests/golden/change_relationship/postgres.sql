==== postgres-01 expand
-- up: hold new rows of "public"."items" to "fk_items_owner"
--   dangers: breaks_old_code
--   before: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" ADD CONSTRAINT "fk_items_owner" FOREIGN KEY ("OwnerID") REFERENCES "public"."owners"("OwnerID") ON DELETE RESTRICT NOT VALID;  -- SHARE ROW EXCLUSIVE
-- down: drop the constraint "fk_items_owner" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "fk_items_owner";  -- ACCESS EXCLUSIVE

==== postgres-02 validate
-- up: hold the rows that "public"."items" has to "fk_items_owner" while others write
--   dangers: scans
--   after: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "fk_items_owner";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fk_items_owner" may stay valid until it goes

==== postgres-03 validate
-- up: nothing: "items_OwnerID_fkey" may stay valid until it goes
-- down: hold the rows that "public"."items" has to "items_OwnerID_fkey" while others write
--   dangers: scans
--   after: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM public.owners AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "items_OwnerID_fkey";  -- SHARE UPDATE EXCLUSIVE

==== postgres-04 contract
-- up: drop the constraint "items_OwnerID_fkey" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "items_OwnerID_fkey";  -- ACCESS EXCLUSIVE
-- down: hold new rows of "public"."items" to "items_OwnerID_fkey"
--   before: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM public.owners AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" ADD CONSTRAINT "items_OwnerID_fkey" FOREIGN KEY ("OwnerID") REFERENCES public.owners("OwnerID") ON DELETE CASCADE NOT VALID;  -- SHARE ROW EXCLUSIVE

