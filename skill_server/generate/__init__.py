"""Migration files: written for people, read as data, never executed."""
