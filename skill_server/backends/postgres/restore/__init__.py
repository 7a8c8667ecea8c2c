"""Putting a restored copy in the place of the live database."""
