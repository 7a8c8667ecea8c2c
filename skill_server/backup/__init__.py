"""Backups that are proven by restoring them and comparing what came back."""
