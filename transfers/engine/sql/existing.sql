-- Conflict-resolving: notes the rows that hold a target in this owner and no source; they stay unless they lose.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- index: the owner column.
INSERT INTO transfer_work (type, relation, "row", pair, outcome)
SELECT {type}, r.tableoid, r.ctid, p.pair, 'stays'
FROM {table} AS r
JOIN {stage} AS p ON {holds_target}
WHERE NOT EXISTS (
    SELECT FROM transfer_work AS w
    WHERE w.type = {type} AND w.relation = r.tableoid AND w."row" = r.ctid AND (w.outcome <> 'stays' OR w.pair = p.pair)
)
{lock}
