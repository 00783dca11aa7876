WITH family AS (
    SELECT c.ctid AS _row, lost.pair, true AS _arrives, {adopted_columns}
    FROM {lost} AS lost
    JOIN {table} AS l ON l.ctid = lost."row"
    JOIN {table} AS kept ON kept.ctid = lost.winner
    JOIN {child} AS c ON c.{foreign_key} = l.{referenced}
    UNION ALL
    SELECT c.ctid, NULL, false, {own_columns}
    FROM (SELECT DISTINCT winner FROM {lost} AS lost) AS w
    JOIN {table} AS kept ON kept.ctid = w.winner
    JOIN {child} AS c ON c.{foreign_key} = kept.{referenced}
),
keyed AS (
    SELECT _row, pair, _arrives, {order_columns}, {key_columns} FROM family WHERE {predicate}
),
clashing AS (
    SELECT _row, pair FROM (
        SELECT _row, pair, row_number() OVER (PARTITION BY {key_names} ORDER BY _arrives, {order_names}) AS place
        FROM keyed
        WHERE {keys_can_clash}
    ) AS placed
    WHERE place > 1
)
