"""Undo: restore from the journal what a transfer moved, changed and deleted."""
