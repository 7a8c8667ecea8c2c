"""What running migrations costs."""
