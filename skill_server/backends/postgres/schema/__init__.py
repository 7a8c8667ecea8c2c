"""Reading what the schema is: catalogs, the neutral snapshot and its digest."""
