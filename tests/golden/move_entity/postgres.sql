==== postgres-01 expand
-- up: move the table "public"."owners" to the schema "stock"
--   dangers: breaks_old_code
--   before: no things in the schema stock already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'stock' AND c.relname IN ('owners', 'owners_Name_key', 'owners_pkey')
ALTER TABLE "public"."owners" SET SCHEMA "stock";  -- ACCESS EXCLUSIVE
-- down: move the table "stock"."owners" back to the schema "public"
--   dangers: breaks_old_code
--   before: no things in the schema public already have a name that is needed
--     SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname IN ('owners', 'owners_Name_key', 'owners_pkey')
ALTER TABLE "stock"."owners" SET SCHEMA "public";  -- ACCESS EXCLUSIVE

