"""Reads and writes CSV files and workbooks as spreadsheet programs do, without interpreting the rows.

Other packages describe their file with a `FileKind` and read it with `open_sheet`: `transfers.people_csv` for
people.csv, `accounts.people.user_import` for a file of users. This package may import only `wording`, and uses no
database.
"""
