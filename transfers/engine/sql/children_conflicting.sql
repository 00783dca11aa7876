-- Conflict-resolving: notes children that would conflict with another child of their new parent, with the outcome of
--   their old one. Places count from 1, so that children which are there already come first.
-- reads: transfer_work, the parent table, the child table; writes: transfer_work.
-- index: ctid; the child's foreign key.
-- Subqueries instead of further parts, because a table may have the name of a part.
WITH candidates AS (
    SELECT *{generated_columns}
    FROM (
        SELECT * FROM (
            SELECT r.tableoid AS _relation, r.ctid AS _row, w.pair AS _pair, w.outcome AS _outcome, w._place,
                true AS _arrives, {adopted_columns}
            FROM (
                SELECT w.*, {place}::integer AS _place
                FROM {lost_by_pair} AS w
                JOIN {parent} AS lost ON lost.tableoid = w.relation AND lost.ctid = w."row"
            ) AS w
            JOIN {parent} AS lost ON lost.tableoid = w.relation AND lost.ctid = w."row"
            JOIN {parent} AS kept ON kept.tableoid = w.winner_relation AND kept.ctid = w.winner
            JOIN {child} AS r ON {of_lost}
            {lock}
        ) AS arriving
        UNION ALL
        SELECT * FROM (
            SELECT r.tableoid AS _relation, r.ctid AS _row, NULL::bigint AS _pair, NULL::text AS _outcome, 0 AS _place,
                false AS _arrives, {own_columns}
            FROM {parent} AS kept
            JOIN {child} AS r ON {of_kept}
            WHERE (kept.tableoid, kept.ctid) IN (SELECT w.winner_relation, w.winner FROM {lost_by_pair} AS w)
            {lock}
        ) AS existing
    ) AS children
),
keyed AS (
    SELECT _relation, _row, _pair, _outcome, _place, {order_columns}, {key_columns}, _arrives
    FROM candidates
    WHERE {predicate}
        AND NOT EXISTS (
            SELECT FROM transfer_work AS w
            WHERE w.type = {child_type} AND w.relation = candidates._relation AND w."row" = candidates._row
        )
),
resolved AS (
    SELECT _relation, _row, _pair, _outcome, _place, _arrives,
        first_value(_relation) OVER same_key AS winner_relation,
        first_value(_row) OVER same_key AS winner
    FROM keyed
    WHERE {keys_can_conflict}
    WINDOW same_key AS (PARTITION BY {key_names} ORDER BY _place, {order_names})
)
INSERT INTO transfer_work (type, relation, "row", pair, outcome, winner_relation, winner, place)
SELECT {child_type}, _relation, _row, _pair, _outcome, winner_relation, winner, _place
FROM resolved
WHERE _arrives AND (winner_relation, winner) <> (_relation, _row)
