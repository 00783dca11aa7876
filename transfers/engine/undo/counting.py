"""The counts of an undo's pairs, by data type (docs/decisions/undo.md)."""

from collections.abc import Sequence

from psycopg import sql

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.stage import Counts, execute, fetch, union_all
from transfers.engine.undo.tables import UndonePair, UndoneTable, run, union_of_all
from transfers.models import TransferPair
from transfers.registry import data_types
from transfers.rules import Profile

TALLY = "INSERT INTO transfer_tally (pair, type, what, n) {counts}"
# A record that people gave back, and that a late arrival moved again, has two entries of the pair but returns once.
COUNT_CHANGES = """
SELECT pair, type,
    CASE WHEN why <> 'held' THEN 'left' WHEN what IN ('moved', 'changed') THEN 'returned' ELSE 'reverted' END,
    count({each})
FROM {changes} AS c GROUP BY 1, 2, 3
UNION ALL
SELECT pair, type, 'added', count(*) FROM {changes} WHERE added AND why IS NULL GROUP BY 1, 2
"""
COUNT_DELETED = """
SELECT "_pair", "_type",
    CASE WHEN "_why" <> 'held' THEN 'left' WHEN "_what" = 'children' THEN 'children' ELSE 'restored' END,
    count(*)
FROM {deleted} GROUP BY 1, 2, 3
"""
# Rows of groups that cannot be restored at all were noted without being loaded.
TALLY_OBSTACLES = """
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, type, 'left', sum(n) FROM transfer_conflict WHERE key = '' AND why IN ('no key', 'other columns')
GROUP BY pair, type
"""
# The rows of the pair's source, the former target, that do not go back. Records that are inserted again are not among
# its rows yet, although some of them are counted as returned.
TALLY_STAYS = """
INSERT INTO transfer_tally (pair, type, what, n)
SELECT now.pair, now.type, 'stays', now.n - coalesce(back.n, 0)
FROM ({source_rows}) AS now
LEFT JOIN (
    SELECT pair, type, sum(n) AS n
    FROM (SELECT pair, type, n FROM transfer_tally WHERE what = 'returned'{not_there_yet}) AS returned
    GROUP BY pair, type
) AS back ON back.pair = now.pair AND back.type = now.type
WHERE now.n > coalesce(back.n, 0)
    AND EXISTS (SELECT FROM transfer_tally AS t WHERE t.pair = now.pair AND t.type = now.type)
"""
NOT_THERE_YET = """
 UNION ALL
SELECT c.pair, c.type, -1 FROM {changes} AS c JOIN {returning} AS r ON {is_record} AND r."_compared"
WHERE c.why IS NULL AND c.what IN ('moved', 'changed')
"""


def tally(tables: Sequence[UndoneTable], plans: Sequence[CompiledPlan]) -> None:
    """Write the counts of all pairs to transfer_tally, before anything is restored."""
    if counts := union_of_all(tables, COUNT_CHANGES, COUNT_DELETED):
        run(TALLY, counts=counts)
    execute(TALLY_OBSTACLES)
    if source_rows := union_all(plan.totals.source_rows for plan in plans):
        not_there_yet = sql.SQL("").join(
            sql.SQL(NOT_THERE_YET).format(
                changes=table.name("changes"),
                returning=table.name("returning"),
                is_record=table.is_returning("c"),
            )
            for table in tables
            if table.returns
        )
        run(TALLY_STAYS, source_rows=sql.SQL(source_rows), not_there_yet=not_there_yet)


COMPLETE = """
SELECT undone, type, what, sum(n)::bigint FROM transfer_entry
WHERE pair <> 0
    AND what IN ('moved', 'changed', 'folded', 'dropped', 'merged', 'replaced', 'children', 'detached')
GROUP BY undone, type, what
"""
JOURNALED = ("moved", "dropped", "merged", "replaced", "children", "detached")


def incomplete(pairs: Sequence[UndonePair]) -> set[int]:
    """Return the keys of the pairs whose journal is not complete: its sums are not the counts of the undone pairs.

    Entries are deleted after some time, so that a pair could be undone in part without a word.
    """
    profiles = {entry.key for entry in data_types() if isinstance(entry.rule, Profile)}
    found: dict[int, Counts] = {}
    for undone, data_type, what, n in fetch(COMPLETE):
        counted_as = "moved" if what == "changed" else what
        if what == "folded":
            if data_type not in profiles:
                continue
            counted_as = "merged"
        numbers = found.setdefault(undone, {}).setdefault(data_type, {})
        numbers[counted_as] = numbers.get(counted_as, 0) + n
    wanted = [undone for pair in pairs for undone in pair.undoes]
    counts = dict(TransferPair.objects.filter(pk__in=wanted).values_list("pk", "counts"))
    complete = {undone for undone in wanted if journaled(counts.get(undone)) == found.get(undone, {})}
    return {pair.key for pair in pairs if not complete.issuperset(pair.undoes)}


def journaled(counts: Counts | None) -> Counts:
    """Return those of a pair's counts that its journal has too. A pair that no longer exists has no counts."""
    if counts is None:
        return {"": {}}
    kept = {
        data_type: {what: n for what, n in numbers.items() if what in JOURNALED and n}
        for data_type, numbers in counts.items()
    }
    return {data_type: numbers for data_type, numbers in kept.items() if numbers}
