"""A Django app with tables of another program that have features which the test apps' tables lack.

The programs under test load it through EXTRA_APPS, beside the test apps `tests.apps.smallapp` (arrays, documents,
composite keys, children on two levels and every kind of unique key) and `tests.apps.exampleapp`. Its rows are drawn so
that most pairs have conflicts. Bookings take ten hours each, so two of a user overlap only if they begin in the same
slot, which the reference model can treat as a unique key.
"""
