"""An app that is not part of the product and adds data types of its own: the example to follow, and what tests run on.

Its tables are small, and together they use every rule, policy, fold and kind of owner of `transfers.rules`.
"""
