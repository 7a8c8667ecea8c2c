"""What a person waits for before the first answer."""
