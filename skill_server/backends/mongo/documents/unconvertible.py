"""What the conversions of single values raise."""


class Unconvertible(ValueError):
    """The value has no counterpart in the other type."""
