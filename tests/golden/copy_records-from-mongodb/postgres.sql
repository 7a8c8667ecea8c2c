==== postgres-01 backfill
-- up: make a record of "public"."badges" for every one of items of mongodb that has none yet
--   dangers: not_atomic
-- in batches: make a record of "public"."badges" for every one of items of mongodb that has none yet
--   BadgeID = ItemID, OwnerID, Words = Serial;  -- ROW EXCLUSIVE
-- down: delete the records of "public"."badges" that were made and nobody wrote to since
--   dangers: not_atomic
-- in batches: delete the records of "public"."badges" that were made and nobody wrote to since;  -- ROW EXCLUSIVE

