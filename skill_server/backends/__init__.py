"""The two databases behind one set of small protocols; only what is named here may be imported from outside."""
