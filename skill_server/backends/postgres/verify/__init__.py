"""Looking whether rows are what they were, and keep to what the schema says."""
