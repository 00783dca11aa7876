"""A reference model of the rules in plain Python: slow, obvious, and written independently of the engine.

A world is every row of every table: {table: [row, ...]}, where a row is {column: value} as PostgreSQL's `to_jsonb`
returns it (times are text in one format, so that comparing the texts compares the times). `transfer` takes a world, the
data types and a batch (pairs, facts about users, tables), and returns the world after the transfer, with the counts and
the discarded rows. Each assumption is documented in the module that makes it:

- which rows hold a user, and the value after the mapping: `places`
- the unique keys of a table in order, and which rows conflict: `keys`
- which row is kept, how the values of conflicting rows are combined, which name is free: `policies`
- child rows of discarded rows: `children`
- each rule, and what is counted: `rules`
- keys and column sizes of the small tables and the product's tables: `small_tables`, `product_tables`
"""

from tests.harness.oracle.rules import transfer
from tests.harness.oracle.world import Batch, Outcome, Pair, People, World

__all__ = ["Batch", "Outcome", "Pair", "People", "World", "transfer"]
