contenders AS (
    SELECT *{generated_columns}
    FROM (
        SELECT r.ctid AS _row, {mapped_columns}, ({key_changes}) AS _arrives
        FROM (
            SELECT DISTINCT "row" FROM transfer_work WHERE type = {type} AND fate IN ('moved', 'stays')
        ) AS w
        JOIN {table} AS r ON r.ctid = w."row"
    ) AS mapped
),
keyed AS (
    SELECT _row, _arrives, {order_columns}, {key_columns} FROM contenders WHERE {predicate}
),
judged AS (
    SELECT _row, _arrives,
        first_value(_row) OVER of_one_key AS winner,
        row_number() OVER of_one_key - 1 AS place
    FROM keyed
    WHERE {keys_can_clash}
    WINDOW of_one_key AS (PARTITION BY {key_names} ORDER BY {winner_first})
)
