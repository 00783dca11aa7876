-- Part: the noted rows with their owners mapped, and their values in a key.
-- reads: transfer_stage, transfer_work, the record table.
-- index: ctid.
candidates AS (
    SELECT *{generated_columns}
    FROM (
        SELECT r.tableoid AS _relation, r.ctid AS _row, {mapped_columns}, ({key_changes}) AS _arrives,
            w.is_updated AS _is_updated
        FROM (
            SELECT relation, "row", bool_or(outcome = 'moved') AS is_updated
            FROM transfer_work
            WHERE type = {type} AND outcome IN ('moved', 'stays'){if_undecided}
            GROUP BY relation, "row"
        ) AS w
        JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
    ) AS mapped
),
keyed AS (
    SELECT _relation, _row, _arrives, {order_columns}, {key_columns} FROM candidates WHERE {predicate}
)
