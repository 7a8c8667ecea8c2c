==== postgres-01 expand
-- up: convert "public"."items"."Quantity" from Integer to BigInteger, keeping the old as "_retired_aed30bec_Quantity"
--   dangers: blocks_reads, scans, rewrites, retires_data, breaks_old_code
--   before: no defaults of items.Quantity cannot go from Integer to BigInteger
--     SELECT 'default' WHERE round((1)::numeric) NOT BETWEEN -9223372036854775808 AND 9223372036854775807
--   before: no records of items have a value in Quantity that cannot go from Integer to BigInteger
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Quantity" IS NOT NULL AND (round(t."Quantity"::numeric) NOT BETWEEN -9223372036854775808 AND 9223372036854775807)
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP CONSTRAINT "no_debts";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" DROP NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" DROP DEFAULT;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "Quantity" TO "_retired_aed30bec_Quantity";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD COLUMN "Quantity" bigint;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" SET "Quantity" = round("_retired_aed30bec_Quantity"::numeric)::bigint WHERE "_retired_aed30bec_Quantity" IS NOT NULL;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET DEFAULT round((1)::numeric)::bigint;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD CONSTRAINT "no_debts" CHECK (("Quantity" >= 0));  -- ACCESS EXCLUSIVE
-- down: bring back "public"."items"."Quantity" as Integer with its old values
--   dangers: blocks_reads, scans, breaks_old_code
--   before: no records of items got a value in Quantity that does not fit Integer
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."Quantity" IS DISTINCT FROM CASE WHEN t."_retired_aed30bec_Quantity" IS NOT NULL THEN round(t."_retired_aed30bec_Quantity"::numeric)::bigint END AND t."Quantity" IS NOT NULL AND (round(t."Quantity"::numeric) NOT BETWEEN -2147483648 AND 2147483647)
LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE MODE;  -- ACCESS EXCLUSIVE
UPDATE "public"."items" SET "_retired_aed30bec_Quantity" = CASE WHEN "Quantity" IS NOT NULL THEN round("Quantity"::numeric)::integer END WHERE "Quantity" IS DISTINCT FROM CASE WHEN "_retired_aed30bec_Quantity" IS NOT NULL THEN round("_retired_aed30bec_Quantity"::numeric)::bigint END;  -- ROW EXCLUSIVE
ALTER TABLE "public"."items" DROP CONSTRAINT "no_debts";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" DROP COLUMN "Quantity";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" RENAME COLUMN "_retired_aed30bec_Quantity" TO "Quantity";  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET DEFAULT 1;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET NOT NULL;  -- ACCESS EXCLUSIVE
ALTER TABLE "public"."items" ADD CONSTRAINT "no_debts" CHECK (("Quantity" >= 0));  -- ACCESS EXCLUSIVE

