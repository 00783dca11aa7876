"""A reference model of the rules in plain Python: slow, obvious, and written independently of the engine.

A world is every row of every table: {table: [row, ...]}, where a row is {column: value} as PostgreSQL's `to_jsonb`
returns it (times are text in one format, so they compare). `transfer` takes a world, the data types and a batch (pairs,
facts about users, tables) and returns the world afterwards. Each assumption is documented where it is decided:

- which rows hold a user, and the value after the mapping: `places`
- the unique keys of a table in order, and which rows conflict: `keys`
- which row is kept, how values are folded, which name is free: `policies`
- children of rows that were discarded: `children`
- each rule, and what is counted: `rules`
- keys and column sizes of the small tables and the product's tables: `small_tables`, `product_tables`
"""

from tests.harness.oracle.rules import transfer
from tests.harness.oracle.world import Batch, Outcome, Pair, People, World

__all__ = ["Batch", "Outcome", "Pair", "People", "World", "transfer"]
