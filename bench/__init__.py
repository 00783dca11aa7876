"""A benchmark of the transfer engine against hand-written SQL and the ORM, on the same PostgreSQL server.

`python -m bench` prints a table and writes `results.json`. README.md describes the method and the keys of that file.
"""
