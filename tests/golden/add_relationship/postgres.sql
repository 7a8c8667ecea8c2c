==== postgres-01 expand
-- up: hold new rows of "public"."items" to "fk_items_OwnerID"
--   dangers: breaks_old_code
--   before: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" ADD CONSTRAINT "fk_items_OwnerID" FOREIGN KEY ("OwnerID") REFERENCES "public"."owners"("OwnerID") ON DELETE SET NULL NOT VALID;  -- SHARE ROW EXCLUSIVE
-- down: drop the constraint "fk_items_OwnerID" of "public"."items"
--   dangers: weakens_constraint
ALTER TABLE "public"."items" DROP CONSTRAINT "fk_items_OwnerID";  -- ACCESS EXCLUSIVE

==== postgres-02 concurrent
-- up: build the index "by_owner" on "public"."items" while others write
--   dangers: scans, not_atomic
--   after: no index named by_owner is missing or was left invalid
--     SELECT 'by_owner' WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready AND i.indexrelid = to_regclass('"public"."by_owner"'))
CREATE INDEX CONCURRENTLY "by_owner" ON "public"."items" USING btree ("OwnerID");  -- SHARE UPDATE EXCLUSIVE
-- down: drop the index "by_owner" on "public"."items" while others write
--   dangers: not_atomic
DROP INDEX CONCURRENTLY "public"."by_owner";  -- SHARE UPDATE EXCLUSIVE

==== postgres-03 validate
-- up: hold the rows that "public"."items" has to "fk_items_OwnerID" while others write
--   dangers: scans
--   after: no records of items point to a record that is gone
--     SELECT t."ItemID"::text FROM "public"."items" AS t WHERE t."OwnerID" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."owners" AS r WHERE r."OwnerID" = t."OwnerID")
ALTER TABLE "public"."items" VALIDATE CONSTRAINT "fk_items_OwnerID";  -- SHARE UPDATE EXCLUSIVE
-- down: nothing: "fk_items_OwnerID" may stay valid until it goes

