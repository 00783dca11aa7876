"""Reads and writes CSV files as spreadsheet programs do, without interpreting the rows. Uses no database.

Other packages describe their file with a `FileKind` and read it with `open_sheet`: `transfers.people_csv` for
people.csv, `accounts.people.user_import` for a file of users. This package may import only `wording`.
"""
