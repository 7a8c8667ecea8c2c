"""The closed set of operations that a statement may hold, and how each is carried out."""
