"""Reading what lies in a database: collections, indexes, validators, and what documents tell."""
