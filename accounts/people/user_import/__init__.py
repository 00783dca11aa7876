"""Users from a file: created and changed in bulk, after a preview. A Django app; its table keeps unconfirmed files.

May import `accounts`, whose rules it applies, `spreadsheets`, which reads the file, and what is below them.
"""
