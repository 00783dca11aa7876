-- Conflict-resolving: sets the foreign key of the rows to NULL that stay although the row they reference is deleted.
-- reads: transfer_work; writes: the child table, the journal, transfer_changes, transfer_tally, transfer_work.
-- index: ctid; transfer_work_row, transfer_work_winner.
-- The ctid of each row changes, so it is replaced where the work table refers to a row of the same table. A noted row
-- that is deleted is not detached, and only such a row has a winner, so at most one of the two conditions is true.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", w.pairs, {before_values} AS before, {new_values}
    FROM (
        SELECT relation, "row", array_agg(pair) AS pairs
        FROM transfer_work
        WHERE type = {child_type} AND outcome = 'detached'
        GROUP BY relation, "row"
    ) AS w
    JOIN {child} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
),
{written},
{updated},
done AS (
    SELECT unnest(pairs) AS pair, key, before, after, as_intended,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM written
),
{entries},
tally AS (
    INSERT INTO transfer_tally (pair, type, what, n)
    SELECT pair_id, {type}, 'detached', n FROM entries
    UNION ALL
    {unintended}
)
{new_places}
WHERE w.type IN ({types}) AND (
    w.relation = f.relation AND w."row" = f."row" OR w.winner_relation = f.relation AND w.winner = f."row"
)
