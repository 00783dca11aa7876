"""User data transfers, from an uploaded file or a form to verified results.

`people_csv` reads a file, `validation` checks what its rows mean, `planning` predicts the numbers, `actions` edits and
confirms drafts, `tasks` wakes workers, `engine` runs transfers, and `results` reports on them. `rules` and `registry`
hold the declarations of data types. This package may import `accounts` and everything that `accounts` may import.
"""
