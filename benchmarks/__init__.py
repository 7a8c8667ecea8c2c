"""Measurements of the product against its peers, each a ratio taken in one run on one machine."""
