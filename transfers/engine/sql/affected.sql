-- Conflict-resolving: notes the rows that hold a source in this owner, once per pair; the run also locks them.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- index: the owner column.
INSERT INTO transfer_work (type, relation, "row", pair)
SELECT {type}, r.tableoid, r.ctid, p.pair
FROM {table} AS r
JOIN {stage} AS p ON {holds_source}
WHERE NOT EXISTS (
    SELECT FROM transfer_work AS w
    WHERE w.type = {type} AND w.relation = r.tableoid AND w."row" = r.ctid AND w.pair = p.pair
)
{lock}
