"""Undo a batch of pairs in the current transaction."""

from collections.abc import Sequence

from transfers.engine.failures.reasons import Failure
from transfers.engine.stage import compile_plans, execute, fetch
from transfers.engine.undo.checking import check_restored
from transfers.engine.undo.conflicts import find_conflicts
from transfers.engine.undo.counting import incomplete, tally
from transfers.engine.undo.loading.entries import load_entries, load_rows
from transfers.engine.undo.loading.work_tables import drop_work_tables
from transfers.engine.undo.tables import UndonePair
from transfers.engine.undo.writing.restoring import lock_rows, restore
from transfers.engine.undo.writing.stamps import find_stamps
from transfers.engine.verification.database import Before
from transfers.engine.verification.database import counted as counted_rows
from transfers.models.undo_conflict import said_of
from transfers.registry import by_key
from wording.phrases import counted

NOTE_CONFLICTS = """
INSERT INTO transfers_undoconflict (pair_id, data_type, "table", key, n, why)
SELECT pair, type, "table", key, n, why FROM transfer_conflict ORDER BY pair, type, "table", key
"""
MARK_UNDONE = """
UPDATE transfers_transferpair AS pair SET undone_by_id = u.pair FROM transfer_undone AS u WHERE pair.id = u.undone
"""
FORGET_PAIRS = """
DELETE FROM transfer_stage WHERE pair = ANY (%(pairs)s::bigint[]);
DELETE FROM transfer_tally WHERE pair = ANY (%(pairs)s::bigint[])
"""
WHY = """
SELECT pair, type, why, sum(n)::bigint FROM transfer_conflict WHERE pair = ANY (%(pairs)s::bigint[])
GROUP BY pair, type, why ORDER BY pair, type, why
"""


def undo(pairs: Sequence[UndonePair], before: Before, *, leave_changed: bool) -> dict[int, Failure]:
    """Restore what the pairs in `undoes` moved, changed and deleted, and verify it before the commit.

    The pairs must be staged and their users locked. Returns the pairs that cannot be undone, with their reason; nothing
    of them is changed, and they are taken out of the stage. Raises `TotalsMismatch` if the result is not as intended.
    """
    load_entries(pairs)
    if partial := incomplete(pairs):
        load_entries([pair for pair in pairs if pair.key not in partial])
    tables = load_rows()
    lock_rows(tables)
    in_conflict = find_conflicts(tables, leave_changed=leave_changed)
    plans = compile_plans()
    tally(tables, plans)
    if find_stamps(tables):
        before = before._replace(counted=counted_rows())
    check_restored(tables, restore(tables), before, plans)
    drop_work_tables(tables)
    execute(NOTE_CONFLICTS)
    execute(MARK_UNDONE)
    failures = dict.fromkeys(partial, JOURNAL_INCOMPLETE)
    if not leave_changed:
        failures |= reasons(in_conflict)
    execute(FORGET_PAIRS, {"pairs": list(failures)})
    return failures


JOURNAL_INCOMPLETE = Failure(
    "journal-incomplete",
    "The record of what this transfer changed is no longer complete.",
    "It can no longer be undone. Transfer the data in the other direction instead.",
)
REMEDY = (
    "The result lists what cannot be given back. Correct it and retry, or undo again with “Leave what was changed since"
    " as it is”."
)


def reasons(pairs: set[int]) -> dict[int, Failure]:
    """Return why each of these pairs cannot be undone, with the data types and numbers of its records."""
    found: dict[int, list[tuple[str, str, int]]] = {pair: [] for pair in sorted(pairs)}
    for pair, data_type, why, n in fetch(WHY, {"pairs": sorted(pairs)}):
        found[pair].append((data_type, why, n))
    return {pair: changed_since(lines) for pair, lines in found.items()}


def changed_since(lines: Sequence[tuple[str, str, int]]) -> Failure:
    parts = [f"{name_of(data_type)}: {counted(n, 'record')} {said_of(n, why)}" for data_type, why, n in lines]
    total = counted(sum(n for *_, n in lines), "record")
    return Failure(
        "changed-since",
        f"{total} cannot be given back. {'; '.join(parts)}.",
        REMEDY,
        lines[0][0] if len({data_type for data_type, *_ in lines}) == 1 else "",
    )


def name_of(data_type: str) -> str:
    try:
        return by_key(data_type).name
    except KeyError:
        return data_type
