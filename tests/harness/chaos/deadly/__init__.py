"""A row that kills the process touching it, as the kernel would: a process that receives the notice DEADLY kills
itself.

For EXTRA_APPS of the programs under chaos only. A trigger on a record table (`meddlers.POISON`) raises the notice in
the middle of a statement, and the driver delivers it while waiting for the result.
"""
