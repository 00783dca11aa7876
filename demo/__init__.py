"""Demo data: a believable contact centre of any size, the same for the same seed, loaded by COPY.

`seed.seed` makes it; `organisation` the people, `records` the rows of every data type of the registry. A data type that
is added later gets rows without a change here: `values` knows what kind of value a column wants, `keys` respects the
unique keys that the database has. An app may know better: see `hooks`.
"""
