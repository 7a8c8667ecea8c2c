==== postgres-01 validate
-- up: nothing: "no_debts" may stay valid until it goes
-- down: hold the rows that "public"."items" has to "no_debts" while others write
--   dangers: scans
--   after: no records of items violate the check no_debts
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE (("Quantity" >= 0)) IS FALSE
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "no_debts";  -- SHARE UPDATE EXCLUSIVE

==== postgres-02 contract
-- up: drop the constraint "no_debts" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "no_debts";  -- ACCESS EXCLUSIVE
-- down: hold new rows of "public"."items" to "no_debts"
--   before: no records of items violate the check no_debts
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE (("Quantity" >= 0)) IS FALSE
ALTER TABLE "public"."items" ADD CONSTRAINT "no_debts" CHECK (("Quantity" >= 0)) NOT VALID;  -- ACCESS EXCLUSIVE

