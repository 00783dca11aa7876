"""Find the rows that cannot be restored because something has changed since (`UndoConflict.Why`).

Rows depend on each other: a row that stays keeps its unique key, and is no parent for others. So each round looks again
at what the last one left, until nothing is added. Which of two rows gets a key that both had is decided last.
"""

from collections.abc import Iterator, Sequence

from psycopg import sql

from transfers.engine.stage import execute, fetch
from transfers.engine.undo.belonging import check_belonging, check_deleted
from transfers.engine.undo.comparing import check_table
from transfers.engine.undo.fitting.partitions import check_partitions
from transfers.engine.undo.fitting.unique_keys import check_keys, leave_losers
from transfers.engine.undo.loading.lost_keys import names_of_winner
from transfers.engine.undo.loading.returning import explain_deleted
from transfers.engine.undo.references.checking import check_references
from transfers.engine.undo.references.children import check_children
from transfers.engine.undo.references.circles import check_circles
from transfers.engine.undo.references.keys import references_of
from transfers.engine.undo.references.referring import check_referring, referring_to
from transfers.engine.undo.tables import UndoneTable, filled, rows, run, send, union_of_all

ALL_CONFLICTS = "SELECT DISTINCT pair FROM transfer_conflict"


def find_conflicts(tables: Sequence[UndoneTable], *, leave_changed: bool) -> set[int]:
    """Decide which rows stay as they are, and return the pairs with such rows.

    leave_changed: the other rows of these pairs are restored. Otherwise, nothing of these pairs is.
    """
    references, referring = references_of(tables), referring_to(tables)
    for table in tables:
        of_table = references.get(table.regclass, ())
        table.parents = frozenset(one.regclass for found in of_table for one in found.parents(tables))
    send(statement for table in tables for statement in check_deleted(table))
    before, found = -1, 0
    while found != before:
        before = found
        send(statement for table in tables for statement in check_records(table))
        for table in tables:
            if table.changes and table.may_return:
                explain_deleted(table)
            check_partitions(table)
        between = [(table, check_keys(table)) for table in tables]
        send(
            statement
            for table in tables
            for check in (check_children, check_references, check_circles)
            for statement in check(table, references.get(table.regclass, []), tables)
        )
        send(statement for table in tables for statement in check_referring(table, referring, tables))
        if not leave_changed:
            hold_back(tables)
        found = rows_that_stay(tables)
        if found == before:
            found += sum(leave_losers(*of_table) for of_table in between)
    if found:
        note_conflicts(tables)
    return {pair for (pair,) in fetch(ALL_CONFLICTS)}


# --- What a conflict means for other rows ----------------------------------------------------------------------------

# Pairs that are still to be undone are in transfer_undone.
SHARED_CHANGES = """
UPDATE {changes} AS c SET why = 'shared'
WHERE c.joint IS NOT NULL AND c.why IS NULL AND (
    EXISTS (SELECT FROM unnest(c.joint) AS j (id) WHERE NOT EXISTS (SELECT FROM transfer_undone WHERE undone = j.id))
    OR EXISTS (
        SELECT FROM {changes} AS twin
        WHERE {same_record} AND twin.what = c.what AND (twin.joint = c.joint OR twin.undone = ANY (c.joint))
            AND twin.why IS NOT NULL
    )
)
"""
# A row of another pair that lost to the record stays deleted.
SHARED_WITH_LOST = """
UPDATE {changes} AS c SET why = 'shared'
WHERE c.joint IS NOT NULL AND c.why IS NULL AND EXISTS (
    SELECT FROM {deleted} AS d JOIN transfer_entry AS e ON e.id = d."_entry"
    WHERE d."_why" IS NOT NULL AND d."_winner" = {key} AND d."_pair" <> c.pair AND e.undone = ANY (c.joint)
)
"""
# Twins are looked up by IN, which is hashed. EXISTS would look through all rows for each one.
SHARED_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'shared'
WHERE d."_joint" IS NOT NULL AND d."_why" IS NULL AND (
    EXISTS (SELECT FROM unnest(d."_joint") AS j (id) WHERE NOT EXISTS (SELECT FROM transfer_undone WHERE undone = j.id))
    OR ROW(d."_joint"::text, {text}) IN (
        SELECT twin."_joint"::text, {twin_text} FROM {deleted} AS twin
        WHERE twin."_joint" IS NOT NULL AND twin."_why" IS NOT NULL
    )
)
"""


def check_records(table: UndoneTable) -> Iterator[sql.Composed]:
    yield from propagate(table)  # first, because a record that stays for others was not changed since
    yield from keep_folded(table)
    yield from check_belonging(table)
    yield from check_table(table)


def propagate(table: UndoneTable) -> Iterator[sql.Composed]:
    """Mark the rows that are taken back for several pairs at once, if one of these pairs leaves them."""
    if table.changes and table.is_shared:
        yield filled(
            SHARED_CHANGES, changes=table.name("changes"), same_record=table.same_record("twin", "c")
        )
    if table.changes and table.deletions and table.is_shared:
        for key in names_of_winner(table):
            names = {"changes": table.name("changes"), "deleted": table.name("deleted"), "key": key}
            yield filled(SHARED_WITH_LOST, **names)
    if table.deletions and table.is_shared:
        names = {"text": table.deleted_text("d"), "twin_text": table.deleted_text("twin")}
        yield filled(SHARED_DELETED, deleted=table.name("deleted"), **names)


FOLDED_STAYS = """
UPDATE {changes} AS c SET why = 'folded'
WHERE c.what = 'folded' AND c.why IS NULL AND (c.undone, {key}) IN (
    SELECT e.undone, d."_winner" FROM {deleted} AS d JOIN transfer_entry AS e ON e.id = d."_entry"
    WHERE d."_what" = 'merged' AND d."_why" IS NOT NULL
)
"""
FOLDED_STAY_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'folded'
FROM transfer_entry AS e
WHERE e.id = d."_entry" AND d."_what" = 'merged' AND d."_why" IS NULL AND (e.undone, d."_winner") IN (
    SELECT c.undone, {key} FROM {changes} AS c
    WHERE c.what = 'folded' AND c.why <> 'deleted'
)
"""


# What cannot be read today stays, and one cannot tell into which record it was folded.
FOLDED_OF_UNREADABLE = """
UPDATE {changes} AS c SET why = 'folded'
WHERE c.what = 'folded' AND c.why IS NULL AND c.undone IN ({unreadable})
"""
MERGED_OF_UNREADABLE = """
UPDATE {deleted} AS d SET "_why" = 'folded'
FROM transfer_entry AS e
WHERE e.id = d."_entry" AND d."_what" = 'merged' AND d."_why" IS NULL AND e.undone IN ({unreadable})
"""
UNREADABLE_ENTRIES = """
SELECT u.undone FROM transfer_entry AS u
WHERE u."table" = {regclass} AND u.what = {what} AND u.key_columns = {keys}::text[] AND u.columns = {columns}::text[]
"""


def keep_folded(table: UndoneTable) -> Iterator[sql.Composed]:
    """Mark the rows with values of a row that stays deleted, and the deleted rows that were folded into rows that stay.

    What each row brought is then neither lost nor there twice.
    """
    for what, statement, is_used in (
        ("merged", FOLDED_OF_UNREADABLE, table.changes),
        ("folded", MERGED_OF_UNREADABLE, table.deletions),
    ):
        if is_used and (unreadable := [group for group in table.unreadable if group.what == what]):
            yield filled(
                statement,
                changes=table.name("changes"),
                deleted=table.name("deleted"),
                unreadable=sql.SQL(" UNION ALL ").join(
                    filled(
                        UNREADABLE_ENTRIES,
                        regclass=sql.Literal(table.regclass),
                        what=sql.Literal(what),
                        keys=sql.Literal(list(group.key_columns)),
                        columns=sql.Literal(list(group.columns)),
                    )
                    for group in unreadable
                ),
            )
    if table.deletions and any(group.what == "folded" for group in table.changes):
        names = {
            "changes": table.name("changes"),
            "deleted": table.name("deleted"),
            "key": table.key_text("c"),
        }
        yield filled(FOLDED_STAYS, **names)
        yield filled(FOLDED_STAY_DELETED, **names)


HELD_CHANGES = (
    "UPDATE {changes} SET why = 'held' WHERE why IS NULL AND pair NOT IN (SELECT pair FROM transfer_undone)"
)
HELD_DELETED = """
UPDATE {deleted} SET "_why" = 'held' WHERE "_why" IS NULL AND "_pair" NOT IN (SELECT pair FROM transfer_undone)
"""
HOLD_BACK = "DELETE FROM transfer_undone WHERE pair = ANY (%(pairs)s::bigint[])"


def hold_back(tables: Sequence[UndoneTable]) -> None:
    """Take the pairs with a conflict out of the batch. None of their rows is restored."""
    pairs = {pair for (pair,) in fetch(ALL_CONFLICTS) + of_all(tables, PAIRS_OF_CHANGES, PAIRS_OF_DELETED)}
    if not pairs:
        return
    execute(HOLD_BACK, {"pairs": sorted(pairs)})
    send(statement for table in tables for statement in hold(table))


def hold(table: UndoneTable) -> Iterator[sql.Composed]:
    if table.changes:
        yield filled(HELD_CHANGES, changes=table.name("changes"))
    if table.deletions:
        yield filled(HELD_DELETED, deleted=table.name("deleted"))


PAIRS_OF_CHANGES = "SELECT DISTINCT pair FROM {changes} WHERE why IS NOT NULL"
PAIRS_OF_DELETED = 'SELECT DISTINCT "_pair" FROM {deleted} WHERE "_why" IS NOT NULL'
COUNT_CHANGES = "SELECT count(*) FROM {changes} WHERE why IS NOT NULL"
COUNT_DELETED = 'SELECT count(*) FROM {deleted} WHERE "_why" IS NOT NULL'


def rows_that_stay(tables: Sequence[UndoneTable]) -> int:
    return sum(number for (number,) in of_all(tables, COUNT_CHANGES, COUNT_DELETED))


def of_all(tables: Sequence[UndoneTable], of_changes: str, of_deleted: str) -> list[tuple]:
    """Return the rows that these queries find in all work tables."""
    queries = union_of_all(tables, of_changes, of_deleted)
    return rows("{queries}", queries=queries) if queries else []


NOTE = 'INSERT INTO transfer_conflict (pair, type, "table", key, n, why) {conflicts}'
OF_CHANGES = "SELECT c.pair, c.type, {regclass}, {key}, 1, c.why FROM {changes} AS c WHERE c.why <> 'held'"
OF_DELETED = """
SELECT d."_pair", d."_type", {regclass}, {deleted_key}, 1, d."_why" FROM {deleted} AS d WHERE d."_why" <> 'held'
"""


def note_conflicts(tables: Sequence[UndoneTable]) -> None:
    if conflicts := union_of_all(tables, OF_CHANGES, OF_DELETED):
        run(NOTE, conflicts=conflicts)
