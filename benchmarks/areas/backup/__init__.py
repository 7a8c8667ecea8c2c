"""What a backup costs, in time and in bytes."""
