"""A test app that adds its own data types to the product, as an organisation would.

Together, its small tables use every rule, conflict policy, fold (a way to merge two values) and kind of owner column
in `transfers.rules`.
"""
