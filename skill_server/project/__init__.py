"""The user's code: read as text or as a syntax tree, never imported; its tests run away from the live databases."""
