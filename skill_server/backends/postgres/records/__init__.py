"""Rows as plain values, read and written in batches that may be repeated."""
