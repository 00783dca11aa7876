-- Control total of one type: the rows that hold a source of the batch in any owner column, and those that hold anybody.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owner columns lead.
SELECT {type} AS type, ({rows_of_sources}) AS of_sources, ({rows_of_people}) AS of_people
