==== postgres-01 backfill
-- up: compute ItemName of every record of "public"."items", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute ItemName of every record of "public"."items", keeping the old values
--   by the function shout;  -- ROW EXCLUSIVE
-- down: give ItemName of "public"."items" its old values where nobody wrote since; carry what was written since over to ItemName of "public"."items"
--   dangers: not_atomic
-- in batches: give ItemName of "public"."items" its old values where nobody wrote since; carry what was written since over to ItemName of "public"."items"
--   by the function whisper;  -- ROW EXCLUSIVE

