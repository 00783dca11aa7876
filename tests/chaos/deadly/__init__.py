"""A row that kills its reader: the process in which PostgreSQL says DEADLY ends at once, as the kernel would end it.

For EXTRA_APPS of the programs under chaos, and for nothing else. A trigger on a record table (`meddlers.POISON`)
raises the notice in the middle of a statement, and the driver hands it over while it waits for the result.
"""
