"""Demo data: a realistic contact centre of any size, reproducible by seed, loaded by COPY.

`seed.seed` creates it: users in `organisation`, rows of every registered data type in `records`. New data types get
rows without a change here: `records.values` picks values by the type and name of a column, `records.keys` respects the
unique keys in the database. Apps can refine their own rows, see `demo.records.hooks`.
"""
