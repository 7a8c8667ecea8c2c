"""Carrying out steps under the one lock, with a journal."""
