"""How each action becomes operations, in both directions; `dispatch` is the way in."""
