==== postgres-01 expand
-- up: rename the column "public"."items"."ItemDesc" to "description"
--   dangers: breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "ItemDesc" TO "description";  -- ACCESS EXCLUSIVE
-- down: rename the column "public"."items"."description" back to "ItemDesc"
--   dangers: breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "description" TO "ItemDesc";  -- ACCESS EXCLUSIVE

