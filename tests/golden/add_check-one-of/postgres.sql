==== postgres-01 expand
-- up: hold new rows of "public"."items" to "known_flags"
--   dangers: breaks_old_code
--   before: no records of items violate the check known_flags
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE ("Flag" IN ('true', 'f', '1')) IS FALSE
ALTER TABLE "public"."items" ADD CONSTRAINT "known_flags" CHECK ("Flag" IN ('true', 'f', '1')) NOT VALID;  -- ACCESS EXCLUSIVE
-- down: drop the constraint "known_flags" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "known_flags";  -- ACCESS EXCLUSIVE

==== postgres-02 validate
-- up: hold the rows that "public"."items" has to "known_flags" while others write
--   dangers: scans
--   after: no records of items violate the check known_flags
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE ("Flag" IN ('true', 'f', '1')) IS FALSE
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "known_flags";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "known_flags" may stay valid until it goes

