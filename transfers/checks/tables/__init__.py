"""Checks of the record tables as the database has them; `transfers.checks.database` runs them."""
