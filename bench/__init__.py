"""The benchmark: the engine against hand-written SQL, SQL pair by pair, and the ORM, in one run on one PostgreSQL.

`python -m bench` prints a table and writes `results.json`; README.md says what is measured, how, and what the keys are.
"""
