"""What the product is held against."""
