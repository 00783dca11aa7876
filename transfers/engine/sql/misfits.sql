-- Returns the pairs whose target this owner cannot hold, and why; its result is joined with that of all other owners.
-- reads: the stage; writes: nothing.
-- index: none.
SELECT p.pair, {type} AS type, {why} AS why FROM {stage} AS p WHERE {of_owner} AND ({fits}) IS NOT TRUE
