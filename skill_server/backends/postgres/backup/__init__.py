"""Dumping the database and restoring it into scratch databases."""
