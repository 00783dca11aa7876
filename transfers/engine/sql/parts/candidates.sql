-- Part: the noted rows with their owners mapped, and their values in a key. A row arrives if the mapping changes these: the
-- key may not compare all owners.
-- reads: transfer_stage, transfer_work, the record table.
-- index: ctid.
candidates AS (
    SELECT *{generated_columns}
    FROM (
        SELECT r.tableoid AS _relation, r.ctid AS _row, {mapped_columns}, w.is_updated AS _is_updated, was.*
        FROM (
            SELECT relation, "row", bool_or(outcome = 'moved') AS is_updated
            FROM transfer_work
            WHERE type = {type} AND outcome IN ('moved', 'stays'){if_undecided}
            GROUP BY relation, "row"
        ) AS w
        JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
        CROSS JOIN LATERAL (SELECT {key_before} FROM (SELECT r.*) AS before) AS was
    ) AS mapped
),
keyed AS (
    SELECT _relation, _row, ({key_changes}) AS _arrives, {order_columns}, {key_columns} FROM candidates WHERE {predicate}
)
