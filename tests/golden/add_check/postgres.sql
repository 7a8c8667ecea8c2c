==== postgres-01 expand
-- up: hold new rows of "public"."items" to "fair_quantity"
--   dangers: breaks_old_code
--   before: no records of items violate the check fair_quantity
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE ("Quantity" >= '0'::numeric AND "Quantity" <= '2147483647'::numeric) IS FALSE
ALTER TABLE "public"."items" ADD CONSTRAINT "fair_quantity" CHECK ("Quantity" >= '0'::numeric AND "Quantity" <= '2147483647'::numeric) NOT VALID;  -- ACCESS EXCLUSIVE
-- down: drop the constraint "fair_quantity" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "fair_quantity";  -- ACCESS EXCLUSIVE

==== postgres-02 validate
-- up: hold the rows that "public"."items" has to "fair_quantity" while others write
--   dangers: scans
--   after: no records of items violate the check fair_quantity
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE ("Quantity" >= '0'::numeric AND "Quantity" <= '2147483647'::numeric) IS FALSE
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "fair_quantity";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fair_quantity" may stay valid until it goes

