-- Conflict-resolving: re-points the remaining children of lost rows to the row that was kept.
-- reads: transfer_work, the parent table; writes: the child table, the journal, transfer_changes, transfer_tally.
-- index: ctid; the child's foreign key.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", w.pairs, {before_values} AS before, {new_values}
    FROM (
        SELECT relation, "row", winner_relation, winner, array_agg(pair) AS pairs
        FROM {lost_by_pair} AS lost
        GROUP BY relation, "row", winner_relation, winner
    ) AS w
    JOIN {parent} AS lost ON lost.tableoid = w.relation AND lost.ctid = w."row"
    JOIN {parent} AS kept ON kept.tableoid = w.winner_relation AND kept.ctid = w.winner
    JOIN {child} AS r ON {of_lost}
    FOR UPDATE OF r
),
{written},
{updated},
done AS (
    SELECT unnest(pairs) AS pair, key, before, after, as_intended,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM written
),
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
{unintended}
