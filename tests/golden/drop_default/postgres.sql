==== postgres-01 contract
-- up: new rows of "public"."items" get no default in "Quantity"
--   dangers: breaks_old_code
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" DROP DEFAULT;  -- ACCESS EXCLUSIVE
-- down: new rows of "public"."items" get 1 in "Quantity" where nothing is given
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET DEFAULT 1;  -- ACCESS EXCLUSIVE

