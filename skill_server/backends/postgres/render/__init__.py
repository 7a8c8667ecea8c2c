"""How each action becomes SQL, in both directions; `dispatch` is the way in."""
