"""The words of the product, frozen: they say what is, and touch nothing."""
