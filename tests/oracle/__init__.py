"""The rules once more, in plain Python: slow, obvious, and written without a look at the engine.

A world is every row of every table: {table: [row, ...]}, a row being {column: value} as PostgreSQL's `to_jsonb` gives
it (times are text, in one form, so that they compare). `transfer` takes a world, the data types, what is known of the
users and the pairs of one batch, and says how the world looks afterwards. What it takes for granted is written where
it is decided:

- which rows hold a user, and what becomes of the place: `places`
- the keys of a table, one after another, and who clashes: `keys`
- who is kept, what is folded and which name is free: `policies`
- what hangs on rows that are gone: `children`
- what each rule does, and what is counted: `rules`
- the keys and widths of the small tables, and of the product's own: `small_tables`, `product_tables`
"""

from tests.oracle.rules import transfer
from tests.oracle.world import Batch, Outcome, Pair, People, World

__all__ = ["Batch", "Outcome", "Pair", "People", "World", "transfer"]
