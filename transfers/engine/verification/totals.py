"""Control totals of the data types."""

from collections import Counter
from collections.abc import Iterable

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.stage import fetch, fetch_union
from transfers.engine.verification.mismatch import DELETE, UPDATE, mismatch
from wording.phrases import counted

Numbers = dict[str, int]

COUNTED = """
SELECT type, sum(n)::bigint FROM transfer_tally
WHERE type = ANY (%(types)s) AND what IN ('source', 'target')
GROUP BY type
"""


def holders_before(plans: Iterable[CompiledPlan]) -> Numbers:
    """Return, for each type, how many rows have a user of the batch in an owner column.

    The rows of the pairs must have been counted. If a row belongs to at most one user, these counts are the answer.
    """
    plans = list(plans)
    types = [plan.data_type.key for plan in plans if plan.totals.counts and not plan.totals.holders_before]
    shared = fetch_union(plan.totals.holders_before for plan in plans)
    return dict([*shared, *fetch(COUNTED, {"types": types})])


# Finds one pair and type whose numbers differ.
UNEQUAL = """
SELECT type, pair,
    coalesce(sum(n) FILTER (WHERE what = 'source'), 0)::bigint,
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0)::bigint,
    coalesce(sum(n) FILTER (WHERE what = 'unintended'), 0)::bigint
FROM transfer_tally
GROUP BY type, pair
HAVING coalesce(sum(n) FILTER (WHERE what = 'source'), 0) <>
    coalesce(sum(n) FILTER (WHERE what IN ('moved', 'dropped', 'merged')), 0) OR bool_or(what = 'unintended')
ORDER BY pair DESC
LIMIT 1
"""


def check_sources() -> None:
    for data_type, pair, source_rows, done, unintended in fetch(UNEQUAL):
        if unintended:
            message = (
                f"{unintended:,} records do not have the values that were written to them (pair {pair})."
            )
            raise mismatch(data_type, message, UPDATE)
        message = f"{source_rows:,} source records, but {done:,} moved, dropped or merged (pair {pair})."
        raise mismatch(data_type, message, UPDATE | DELETE)


def check_left_behind(plans: Iterable[CompiledPlan]) -> None:
    for (data_type,) in fetch_union(plan.totals.left_behind for plan in plans):
        raise mismatch(data_type, "records still belong to the Source User after the move.", UPDATE)


# What was decided, and what the journal says was done. Decided are the outcomes in the work table and, for direct types
# that are overwritten, the target's rows and their children, which were counted before.
UNDONE = """
SELECT type, pair, what, sum(decided)::bigint, sum(done)::bigint
FROM (
    SELECT split_part(type, ' > ', 1) AS type, pair,
        CASE WHEN type LIKE '%% > %%' AND outcome <> 'detached' THEN 'children' ELSE outcome END AS what,
        count(*) AS decided, 0 AS done
    FROM transfer_work
    WHERE outcome <> 'stays'
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT type, pair, 'replaced', sum(n) FILTER (WHERE what = 'target'), 0
    FROM transfer_tally
    WHERE type = ANY (%(overwritten)s) AND what IN ('source', 'target')
    GROUP BY type, pair
    HAVING bool_or(what = 'source') AND bool_or(what = 'target')
    UNION ALL
    SELECT type, pair, 'children', n, 0 FROM transfer_tally WHERE what = 'expected children'
    UNION ALL
    SELECT type, pair, what, 0, n
    FROM transfer_tally
    WHERE what IN ('moved', 'dropped', 'merged', 'replaced', 'children', 'detached')
        AND (type = ANY (%(resolved)s) OR type = ANY (%(overwritten)s) AND what <> 'moved')
) AS both_sides
GROUP BY type, pair, what
HAVING sum(decided) <> sum(done)
LIMIT 1
"""


def check_outcomes(plans: Iterable[CompiledPlan]) -> None:
    resolved = [plan.data_type.key for plan in plans if plan.resolves_conflicts]
    overwritten = [
        plan.data_type.key for plan in plans if plan.data_type.overwrites and not plan.resolves_conflicts
    ]
    for data_type, pair, what, decided, done in fetch(
        UNDONE, {"resolved": resolved, "overwritten": overwritten}
    ):
        message = f"{decided:,} records should be {WORDS[what]}, but {done:,} were (pair {pair})."
        raise mismatch(data_type, message, UPDATE if what in ("moved", "detached") else DELETE)


WORDS = {
    "children": "deleted with the record that they belong to",
    "replaced": "deleted for their successors",
    "detached": "detached from deleted records",
}
WORDS |= {what: what for what in ("moved", "dropped", "merged")}


def check_holders(plans: Iterable[CompiledPlan], before: Numbers, changes: list[tuple]) -> None:
    """Check the types that were changed, which are those in `before`."""
    changed = (plan.totals.holders_after for plan in plans if plan.data_type.key in before)
    deleted, after = Counter[str](), dict(fetch_union(changed))
    for data_type, _, number, _ in changes:
        deleted[data_type] += number
    for data_type, rows_before in before.items():
        expected = rows_before - deleted[data_type]
        if (more := after[data_type] - expected) > 0:
            records = counted(more, "record")
            raise mismatch(data_type, f"{records} of the users came by something else than the transfer.", 0)
        if more < 0:
            records = counted(expected, "record")
            message = f"{records} of the users expected after the transfer, found {after[data_type]:,}."
            raise mismatch(data_type, message, UPDATE | DELETE)
