-- Judged: of the rows that would share a unique key once the owners are mapped, one survives; the others lose.
-- A row that has the key already goes before one that only arrives at it; among arrivals the lowest primary key wins.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work. Leans on the owner columns' indexes.
WITH standing AS (
    SELECT r.ctid AS _row, {mapped_columns}, ({key_changes}) AS _arrives
    FROM {table} AS r
    {joined_pairs}
    WHERE r.ctid IN (SELECT w."row" FROM transfer_work AS w WHERE w.type = {type} AND w.fate = 'moved')
),
{rivals},
contenders AS (
    SELECT _row, _arrives, {order_columns}, {key_columns} FROM standing WHERE {predicate}
    UNION
    {contending_rivals}
),
judged AS (
    SELECT _row, first_value(_row) OVER (PARTITION BY {key_names} ORDER BY _arrives, {order_names}) AS winner
    FROM contenders
    WHERE {keys_can_clash}
)
UPDATE transfer_work AS w SET fate = {fate}, winner = j.winner
FROM judged AS j
WHERE w.type = {type} AND w."row" = j._row AND j.winner <> j._row
