-- Judged: notes the rows that hold a source in one owner, once a pair; the run locks them as well.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- Leans on the index that the owner leads.
INSERT INTO transfer_work (type, "row", pair)
SELECT {type}, r.ctid, p.pair
FROM {table} AS r
JOIN {stage} AS p ON {holds_source}
WHERE NOT EXISTS (
    SELECT FROM transfer_work AS w WHERE w.type = {type} AND w."row" = r.ctid AND w.pair = p.pair
)
{lock}
