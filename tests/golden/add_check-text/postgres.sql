==== postgres-01 expand
-- up: hold new rows of "public"."items" to "serial_form"
--   dangers: breaks_old_code
--   before: no records of items violate the check serial_form
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE (char_length("Serial") >= 5 AND char_length("Serial") <= 5 AND "Serial" ~ '^S[0-9]{4}$') IS FALSE
ALTER TABLE "public"."items" ADD CONSTRAINT "serial_form" CHECK (char_length("Serial") >= 5 AND char_length("Serial") <= 5 AND "Serial" ~ '^S[0-9]{4}$') NOT VALID;  -- ACCESS EXCLUSIVE
-- down: drop the constraint "serial_form" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "serial_form";  -- ACCESS EXCLUSIVE

==== postgres-02 validate
-- up: hold the rows that "public"."items" has to "serial_form" while others write
--   dangers: scans
--   after: no records of items violate the check serial_form
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE (char_length("Serial") >= 5 AND char_length("Serial") <= 5 AND "Serial" ~ '^S[0-9]{4}$') IS FALSE
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "serial_form";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "serial_form" may stay valid until it goes

