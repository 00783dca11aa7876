"""Let a row kill the process that touches it with SIGKILL, as the kernel might.

The programs under test load this app through EXTRA_APPS. A trigger on a record table (`meddlers.POISON`) raises the
notice DEADLY in the middle of a statement. The driver delivers it while it waits for the result, and the process then
kills itself.
"""
