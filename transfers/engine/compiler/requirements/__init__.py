"""Requirements that a declaration and its tables must meet, so that the engine can transfer the type correctly.

`compile_plan` checks them when the site or a worker starts (`transfers.checks.database`) and before each batch.
"""
