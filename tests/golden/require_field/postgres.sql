==== postgres-01 expand
-- up: nothing: "public"."items"."Quantity" is required already
-- down: nothing: "public"."items"."Quantity" is required already

