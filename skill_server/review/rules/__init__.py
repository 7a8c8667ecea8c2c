"""One rule, one file: a pure generator of findings, named as its file; rules do not know each other."""
