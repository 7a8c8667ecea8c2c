==== postgres-01 expand
-- up: rename the column "public"."items"."Serial" to "serial_number"
--   dangers: breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "Serial" TO "serial_number";  -- ACCESS EXCLUSIVE
-- down: rename the column "public"."items"."serial_number" back to "Serial"
--   dangers: breaks_old_code
ALTER TABLE "public"."items" RENAME COLUMN "serial_number" TO "Serial";  -- ACCESS EXCLUSIVE

