"""The narrated demonstration: a scripted assistant works through the server on two real databases."""
