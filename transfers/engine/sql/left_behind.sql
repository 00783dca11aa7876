-- Control after the move: returns the type if a row still holds a source of the batch in any owner.
-- reads: transfer_stage, the record table; writes: nothing.
-- index: the owner columns.
SELECT {type} AS type WHERE EXISTS ({rows})
