"""A test app with its own data types, outside the product, as an organisation would add them.

Together its small tables use every rule, conflict policy, fold (a way to merge two values) and kind of owner that
`transfers.rules` has.
"""
