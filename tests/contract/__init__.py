"""The same cases against every backend, on real servers only."""
