-- Judged: of the rows that would share a unique key once the owners are mapped, one survives; the others lose.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- Leans on the ctid.
WITH {contenders}
UPDATE transfer_work AS w SET fate = CASE w.fate WHEN 'stays' THEN 'replaced' ELSE {fate} END, winner = j.winner
FROM judged AS j
WHERE w.type = {type} AND w."row" = j._row AND j.place > 0
