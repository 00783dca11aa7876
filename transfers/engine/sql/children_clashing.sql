-- Judged: notes what hangs on a lost row and would share a unique key of its own with what its new parent has.
-- reads: transfer_work, the parent's table, the child's; writes: transfer_work.
-- Leans on the ctid and on the index of the child's foreign key.
WITH coming AS (
    SELECT r.ctid AS _row, w.pair, true AS _arrives, {adopted_columns}
    FROM {lost_by_pair} AS w
    JOIN {parent} AS lost ON lost.ctid = w."row"
    JOIN {parent} AS kept ON kept.ctid = w.winner
    JOIN {child} AS r ON r.{foreign_key} = lost.{referenced}
    {lock}
),
there AS (
    SELECT r.ctid AS _row, NULL::bigint AS pair, false AS _arrives, {own_columns}
    FROM {parent} AS kept
    JOIN {child} AS r ON r.{foreign_key} = kept.{referenced}
    WHERE kept.ctid IN (SELECT w.winner FROM {lost} AS w)
    {lock}
),
family AS (
    SELECT *{generated_columns} FROM (SELECT * FROM coming UNION ALL SELECT * FROM there) AS all_of_them
),
keyed AS (
    SELECT _row, pair, {order_columns}, {key_columns}, _arrives
    FROM family
    WHERE {predicate}
        AND NOT EXISTS (SELECT FROM transfer_work AS w WHERE w.type = {child_type} AND w."row" = family._row)
),
placed AS (
    SELECT _row, pair,
        first_value(_row) OVER (PARTITION BY {key_names} ORDER BY _arrives, {order_names}) AS winner
    FROM keyed
    WHERE {keys_can_clash}
)
INSERT INTO transfer_work (type, "row", pair, fate, winner)
SELECT {child_type}, _row, pair, 'dropped', winner FROM placed WHERE winner <> _row
