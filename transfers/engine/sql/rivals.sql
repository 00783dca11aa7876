-- Judged: notes the rows that hold a target in one owner and no source in any, once a pair; they stay, unless they lose.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- Leans on the index that the owner leads.
INSERT INTO transfer_work (type, "row", pair, fate)
SELECT {type}, r.ctid, p.pair, 'stays'
FROM {table} AS r
JOIN {stage} AS p ON {holds_target}
WHERE NOT EXISTS (
    SELECT FROM transfer_work AS w
    WHERE w.type = {type} AND w."row" = r.ctid AND (w.fate <> 'stays' OR w.pair = p.pair)
)
{lock}
