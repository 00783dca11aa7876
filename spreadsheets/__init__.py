"""CSV files as spreadsheet programs write them: bytes to rows and rows to bytes, whatever the rows mean. No database.

A room above describes its file with a `FileKind` and reads it with `open_sheet`: `transfers.people_csv` for people.csv,
`accounts.people.user_import` for a file of users. Imports `wording` only.
"""
