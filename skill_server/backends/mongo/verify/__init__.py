"""Looking whether documents are what they were, and keep to their rules."""
