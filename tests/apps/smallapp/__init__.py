"""A test app with its own data types, outside the product, as an organisation would add them.

Together its small tables use every rule, policy, fold and kind of owner of `transfers.rules`.
"""
