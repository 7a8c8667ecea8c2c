==== postgres-01 backfill
-- up: nothing: the records of items are only read here, and stay
-- down: nothing: the records of items are only read here, and stay

