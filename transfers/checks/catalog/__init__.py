"""The database catalog as the checks read it: tables by oid, in a number of queries that does not depend on them.

A name does not identify a table: other schemas may have one of the same name. The engine reads what it needs before
each batch from `transfers.engine.catalog.tables`.
"""
