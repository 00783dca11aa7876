-- Control total, before or after the move: the rows that hold a user of the batch in any owner, each once.
-- reads: transfer_stage, the record table; writes: nothing.
-- index: the owner columns.
SELECT {type} AS type, count(*) AS n FROM ({rows}) AS r
