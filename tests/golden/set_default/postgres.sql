==== postgres-01 expand
-- up: new rows of "public"."items" get '2'::integer in "Quantity" where nothing is given
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET DEFAULT '2'::integer;  -- ACCESS EXCLUSIVE
-- down: new rows of "public"."items" get 1 in "Quantity" where nothing is given
ALTER TABLE "public"."items" ALTER COLUMN "Quantity" SET DEFAULT 1;  -- ACCESS EXCLUSIVE

