"""Tenants, and their isolation by PostgreSQL's row-level security.

`context` sets the current tenant; `postgresql` passes it to each connection; `policies` declares each table's policy
(every app calls `protect` or `exempt` in its `row_security.py`); `database_roles` applies the policies after `migrate`.
The package may import only `wording`.
"""
