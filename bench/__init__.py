"""The benchmark: the engine against hand-written SQL, SQL pair by pair, and the ORM, on the same PostgreSQL.

`python -m bench` prints a table and writes `results.json`; README.md describes the method and the keys.
"""
