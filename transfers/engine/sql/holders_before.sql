-- Control total of one type before the move: the rows that hold anybody of the batch in any owner, each once.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT {type} AS type, count(*) AS of_people FROM ({holding_people}) AS h
