"""Prove after a change that the data is what it should be; each check is one file."""
