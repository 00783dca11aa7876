"""Users from a file: created and changed in bulk, after a preview.

An app of its own above `accounts`, whose rules it applies, and `transfers`, whose reading of spreadsheet files it uses.
"""
