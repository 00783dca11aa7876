-- Part: the noted rows with their owners mapped, and their values in a key. `_arrives` is 0 for rows that had these before.
--   Rows are sorted by the primary key that they have before, which the mapping may make equal.
-- reads: transfer_stage, transfer_work, the record table.
-- index: ctid.
candidates AS (
    SELECT *{generated_columns}
    FROM (
        SELECT r.tableoid AS _relation, r.ctid AS _row, {mapped_columns}, {pairs} AS _pairs,
            w.pairs > 0 AS _is_updated, was.*
        FROM (
            SELECT relation, "row", count(*) FILTER (WHERE outcome = 'moved')::integer AS pairs
            FROM transfer_work
            WHERE type = {type} AND outcome IN ('moved', 'stays'){if_undecided}
            GROUP BY relation, "row"
        ) AS w
        JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
        CROSS JOIN LATERAL (SELECT {was} FROM (SELECT r.*) AS before) AS was
    ) AS mapped
),
keyed AS (
    SELECT _relation, _row, {arrives} AS _arrives, {order_names}, {key_columns} FROM candidates WHERE {predicate}
)
