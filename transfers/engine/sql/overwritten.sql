-- Conflict-resolving, Overwrite: notes the target's rows to replace; a row that also holds a source is dropped.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- index: the first owner column.
WITH replaced AS (
    SELECT r.tableoid AS relation, r.ctid AS "row", p.pair
    FROM {table} AS r
    JOIN {stage} AS p ON {holds_target}
    WHERE EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    {lock}
),
dropped AS (
    UPDATE transfer_work AS w SET outcome = 'dropped'
    FROM replaced
    WHERE w.type = {type} AND w.relation = replaced.relation AND w."row" = replaced."row"
)
INSERT INTO transfer_work (type, relation, "row", pair, outcome)
SELECT {type}, relation, "row", pair, 'replaced' FROM replaced
