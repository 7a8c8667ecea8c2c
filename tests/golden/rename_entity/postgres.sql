==== postgres-01 expand
-- up: rename the table "public"."owners" to "people"
--   dangers: breaks_old_code
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('people')
ALTER TABLE "public"."owners" RENAME TO "people";  -- ACCESS EXCLUSIVE
-- down: rename the table "public"."people" to "owners"
--   dangers: breaks_old_code
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('owners')
ALTER TABLE "public"."people" RENAME TO "owners";  -- ACCESS EXCLUSIVE

