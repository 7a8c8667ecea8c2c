"""Find out which databases a target is, and whether its ledger agrees."""
