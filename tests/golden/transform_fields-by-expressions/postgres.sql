==== postgres-01 backfill
-- up: compute Weight of every record of "public"."items", keeping the old values
--   dangers: retires_data, not_atomic
-- in batches: compute Weight of every record of "public"."items", keeping the old values
--   Weight = t."Weight" * 2;  -- ROW EXCLUSIVE
-- down: give Weight of "public"."items" its old values where nobody wrote since; carry what was written since over to Weight of "public"."items"
--   dangers: not_atomic
-- in batches: give Weight of "public"."items" its old values where nobody wrote since; carry what was written since over to Weight of "public"."items"
--   Weight = t."Weight" / 2;  -- ROW EXCLUSIVE

