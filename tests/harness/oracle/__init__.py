"""A reference model of the rules in plain Python: slow, simple, and written independently of the engine.

A world has all rows of all tables: {table: [row, ...]}, where a row is {column: value} as PostgreSQL's `to_jsonb`
returns it (times are text in one format, so that comparing the texts compares the times). `transfer` takes a world, the
data types and a batch (pairs, attributes of users, tables), and returns the world after the transfer, with the counts
and the discarded rows. Each assumption is documented in the module that makes it:

- `places`: in which rows a user is stored, and the values after sources are replaced by targets
- `keys`: the order in which the unique keys of a table are checked, and which rows conflict
- `policies`: which of the conflicting rows is kept, how their values are combined, and which names are free
- `children`: what happens to the child rows of discarded rows
- `rules`: what each rule does, and what is counted
- `small_tables`, `product_tables`: the unique keys and column sizes of the tables of a test app and of the product
"""

from tests.harness.oracle.rules import transfer
from tests.harness.oracle.world import Batch, Outcome, Pair, People, World

__all__ = ["Batch", "Outcome", "Pair", "People", "World", "transfer"]
