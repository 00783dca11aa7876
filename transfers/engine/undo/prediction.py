"""Predict what an undo would do, with the same decisions as the run. Nothing is written to record tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from transfers.engine.prediction import on_stage
from transfers.engine.stage import Counts, StagedPair, compile_plans, fetch, prepare_journal, read_tally
from transfers.engine.undo.conflicts import find_conflicts
from transfers.engine.undo.counting import incomplete, tally
from transfers.engine.undo.loading.entries import load
from transfers.engine.undo.loading.work_tables import drop_work_tables
from transfers.engine.undo.tables import UndonePair, UndoneTable, rows

CONFLICTS_KEPT = 100  # of each pair

# Shared rows come last, so that one for another reason is among those that are kept.
CONFLICTS = """
SELECT pair, type, "table", key, n, why FROM (
    SELECT *, row_number() OVER (PARTITION BY pair ORDER BY why = 'shared', type, "table", key) AS place
    FROM transfer_conflict
) AS c
WHERE place <= %(kept)s
ORDER BY pair, place
"""


class Conflict(NamedTuple):
    """A row that would stay as it is. The fields are those of `UndoConflict`."""

    data_type: str
    table: str
    key: str
    n: int
    why: str


class Prediction(NamedTuple):
    """What the undo of one pair would do.

    conflicts: at most `CONFLICTS_KEPT`; `counts` has their number as "left". shared_with: the IDs of further pairs of
    the undone transfer that can be undone only together with this one. is_complete: whether the journal still has
    everything that the pair did.
    """

    counts: Counts
    conflicts: tuple[Conflict, ...]
    shared_with: tuple[int, ...]
    is_complete: bool


def predict_undo(pairs: Sequence[UndonePair], *, leave_changed: bool) -> dict[int, Prediction]:
    """Return, by key, what the undo of each pair would do now. No records are locked.

    The number of statements depends on the tables, not on the pairs or their rows. leave_changed: rows that were
    changed since stay as they are, instead of preventing the undo of their pair.
    """
    if not pairs:
        return {}
    with on_stage([StagedPair(pair.key, pair.source_id, pair.target_id) for pair in pairs]):
        plans = compile_plans()
        tables = load(pairs)
        partial = incomplete(pairs)
        find_conflicts(tables, leave_changed=leave_changed)
        shared = shared_with(tables, pairs)
        tally(tables, plans)
        counts, conflicts = read_tally(), read_conflicts()
        drop_work_tables(tables)
    return {
        pair.key: Prediction(
            counts.get(pair.key, {}),
            tuple(conflicts.get(pair.key, ())),
            tuple(sorted(shared.get(pair.key, ()))),
            pair.key not in partial,
        )
        for pair in pairs
    }


def read_conflicts() -> dict[int, list[Conflict]]:
    found: dict[int, list[Conflict]] = defaultdict(list)
    for pair, *conflict in fetch(CONFLICTS, {"kept": CONFLICTS_KEPT}):
        found[pair].append(Conflict(*conflict))
    return found


SHARED_CHANGES = "SELECT DISTINCT pair, unnest(joint) FROM {changes} WHERE why = 'shared'"
SHARED_DELETED = 'SELECT DISTINCT "_pair", unnest("_joint") FROM {deleted} WHERE "_why" = \'shared\''


def shared_with(tables: Sequence[UndoneTable], pairs: Sequence[UndonePair]) -> dict[int, set[int]]:
    """Return, by key, the undone transfer's pairs that are missing among those that must be undone together."""
    given = {undone for pair in pairs for undone in pair.undoes}
    found: dict[int, set[int]] = defaultdict(set)
    for table in tables:
        for pair, partner in of_both(table, SHARED_CHANGES, SHARED_DELETED):
            if partner not in given:
                found[pair].add(partner)
    return found


JOINT_CHANGES = "SELECT DISTINCT joint FROM {changes} WHERE joint IS NOT NULL"
JOINT_DELETED = 'SELECT DISTINCT "_joint" FROM {deleted} WHERE "_joint" IS NOT NULL'
# A pair that changed a record, and one that deleted it later: the record returns for both.
RETURNING = """
SELECT DISTINCT ARRAY[c.pair, r."_pair"] FROM {changes} AS c JOIN {returning} AS r ON {is_record}
"""


def joint_groups(pair_ids: Sequence[int]) -> list[set[int]]:
    """Return the sets of pairs that can be undone only together: they changed a row that cannot be divided.

    pair_ids: pairs to undo. The sets are disjoint, and have further pairs of the same transfers where necessary.
    """
    pairs = [UndonePair(pair_id, 0, 0, (pair_id,)) for pair_id in pair_ids]
    with transaction.atomic():
        prepare_journal(0)
        tables = load(pairs, only_shared=True)
        joint = [set(group) for table in tables for (group,) in of_both(table, JOINT_CHANGES, JOINT_DELETED)]
        joint += [set(group) for table in tables if table.returns for (group,) in that_return(table)]
        drop_work_tables(tables)
    return united(joint)


def that_return(table: UndoneTable) -> list[tuple[Any, ...]]:
    names = {name: table.name(name) for name in ("changes", "returning")}
    return rows(RETURNING, is_record=table.is_returning("c"), **names)


def of_both(table: UndoneTable, of_changes: str, of_deleted: str) -> Iterator[tuple[Any, ...]]:
    if table.changes:
        yield from rows(of_changes, changes=table.name("changes"))
    if table.deletions:
        yield from rows(of_deleted, deleted=table.name("deleted"))


def united(sets: Iterable[set[int]]) -> list[set[int]]:
    """Unite the sets that have a member in common."""
    group_of: dict[int, set[int]] = {}
    for members in sets:
        group = set(members)
        for member in members:
            group |= group_of.get(member, set())
        for member in group:
            group_of[member] = group
    return list({id(group): group for group in group_of.values()}.values())
