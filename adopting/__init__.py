"""Adopting tables of another program: an app written from the database catalog, and which columns are decided.

`manage.py adopt` reads a schema and writes an app with models, data types and questions. `manage.py coverage` and a
start-up check say for every column in which a person stands what a transfer does with it.
"""
