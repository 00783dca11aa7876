"""Kill a process with SIGKILL, as the kernel might, when it updates certain rows.

The programs under test load this app through EXTRA_APPS. A trigger on a record table (`poison.POISON`) raises the
notice DEADLY in the middle of a statement. The driver passes the notice to this app while it waits for the result, and
the app kills the process.
"""
