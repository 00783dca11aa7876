"""Declarations that checks propose for columns that reference a user, as lines to paste into an app."""
