-- Returns the pairs whose target this owner cannot hold, and why; its result is joined with that of all other owners.
--   How many rows of the source there are has been counted.
-- reads: the stage; writes: nothing.
-- index: none.
SELECT p.pair, {type} AS type, {why} AS why, NULL::bigint AS n FROM {stage} AS p WHERE {of_owner} AND ({fits}) IS NOT TRUE
