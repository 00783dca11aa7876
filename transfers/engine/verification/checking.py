"""Compares a batch with the numbers and the database before it."""

from collections.abc import Iterable

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.stage import fetch
from transfers.engine.verification.database import Before, check_counted, check_files, check_settings
from transfers.engine.verification.totals import (
    Numbers,
    check_holders,
    check_left_behind,
    check_outcomes,
    check_sources,
)

# By type and by table, as the statements counted them.
CHANGES = """
SELECT type, coalesce(pg_partition_root(relation), relation)::regclass::text, deleted, updated FROM transfer_changes
"""


def check(plans: Iterable[CompiledPlan], holders: Numbers, before: Before) -> None:
    """Raise `TotalsMismatch` if the numbers of a data type or a table differ. Takes a fixed number of statements."""
    plans = list(plans)
    check_settings(before.settings)
    check_sources()
    check_left_behind(plans)
    check_outcomes(plans)
    changes = fetch(CHANGES)
    check_holders(plans, holders, changes)
    check_counted(plans, before.counted, changes)
    check_files(before.files)
