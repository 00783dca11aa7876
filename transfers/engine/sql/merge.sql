-- Conflict-resolving: folds the values of the losing rows into the kept row, whose ctid changes with the update.
-- reads: transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally, transfer_work.
-- index: ctid; transfer_work_row, transfer_work_winner.
-- The kept row may also be noted to be detached from a row of its own table.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", {before_values} AS before, {new_values}
    FROM (
        SELECT w.winner_relation AS _relation, w.winner AS _row, {aggregates}
        FROM (
            SELECT DISTINCT relation, "row", winner_relation, winner, place
            FROM transfer_work
            WHERE type = {type} AND outcome = 'merged'
        ) AS w
        JOIN {table} AS l ON l.tableoid = w.relation AND l.ctid = w."row"
        GROUP BY w.winner_relation, w.winner
    ) AS f
    JOIN {table} AS r ON r.tableoid = f._relation AND r.ctid = f._row
),
{written},
{updated},
done AS (
    SELECT unnest(pairs) AS pair, key, before, after, as_intended,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM (
        SELECT written.*, ARRAY(
            SELECT DISTINCT w.pair FROM transfer_work AS w
            WHERE w.type = {type} AND w.outcome = 'merged'
                AND w.winner_relation = written.relation AND w.winner = written."row"
        ) AS pairs
        FROM written
    ) AS folded
),
{entries},
tally AS (
    INSERT INTO transfer_tally (pair, type, what, n)
    {unintended}
)
{new_places}
WHERE w.type IN ({types}) AND (
    w.outcome = 'merged' AND w.winner_relation = f.relation AND w.winner = f."row"
    OR w.outcome <> 'merged' AND w.relation = f.relation AND w."row" = f."row"
)
