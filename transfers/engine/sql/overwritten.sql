-- Judged, Overwrite: notes the target's rows that the source's replace; where one holds a source too, it is dropped.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- Leans on the index that the first owner leads.
WITH replaced AS (
    SELECT r.ctid AS "row", p.pair
    FROM {table} AS r
    JOIN {stage} AS p ON {holds_target}
    WHERE EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    {lock}
),
no_longer_moved AS (
    UPDATE transfer_work AS w SET fate = 'dropped'
    FROM replaced
    WHERE w.type = {type} AND w."row" = replaced."row"
)
INSERT INTO transfer_work (type, "row", pair, fate)
SELECT {type}, "row", pair, 'replaced' FROM replaced
