"""Demo data: a realistic contact centre of any size, reproducible from a seed and loaded with COPY.

`seed.seed` creates it: `organisation` creates the users, and `records` creates the rows of every registered data type.
New data types get rows without a change here, because `records.values` chooses values by the type and name of a column,
and `records.keys` respects the unique keys in the database. Apps can refine their own rows (see `demo.records.hooks`).
"""
