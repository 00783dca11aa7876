-- Conflict-resolving: re-points the remaining children of lost rows to the row that was kept.
-- reads: transfer_work, the parent table; writes: the child table, the journal, transfer_changes, transfer_tally.
-- index: ctid; the child's foreign key.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", {before_values} AS before, {new_values},
        w.relation AS lost_relation, w."row" AS lost_row, w.outcome AS lost_outcome
    FROM {lost} AS w
    JOIN {parent} AS lost ON lost.tableoid = w.relation AND lost.ctid = w."row"
    JOIN {parent} AS kept ON kept.tableoid = w.winner_relation AND kept.ctid = w.winner
    JOIN {child} AS r ON r.{foreign_key} = lost.{referenced}
    FOR UPDATE OF r
),
{written},
{updated},
done AS (
    SELECT w.pair, key, before, after, as_intended
    FROM written
    JOIN transfer_work AS w ON w.relation = written.lost_relation AND w."row" = written.lost_row
        AND w.outcome = written.lost_outcome
    WHERE w.type = {parent_type}
),
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
{unintended}
