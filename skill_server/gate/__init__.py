"""The gate: the checklist as preconditions, each one fact in one file, decided by evidence alone."""
