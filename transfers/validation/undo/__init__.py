"""Checks of pairs to be undone."""
