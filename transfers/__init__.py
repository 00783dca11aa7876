"""User data transfers, from an uploaded file or a form to verified results.

`people_csv` reads a file, `validation` checks what its rows mean, `planning` predicts the numbers, `actions` confirms,
`tasks` wakes workers, `engine` runs, and `results` reports. `rules` and `registry` hold the declarations of data types.
Imports `accounts` and the packages below it.
"""
