-- Judged: notes the rows that hold a source in one owner column, once a pair; the run locks them as well.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- Leans on the index that the owner column leads.
INSERT INTO transfer_work (type, "row", pair)
SELECT {type}, r.ctid, p.pair
FROM {table} AS r
JOIN transfer_stage AS p ON r.{owner} = p.source
WHERE {not_noted_before}
{lock}
