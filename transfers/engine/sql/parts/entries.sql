-- Part: writes what the statement did (its CTE `done`) to the journal, up to {rows_per_entry} rows of a pair per entry,
--   or fewer if they are large: PostgreSQL has no arrays of more than 1 GB.
-- reads: done (pair and, where the journal keeps them, what, key, before, after, partners); writes: the journal.
-- index: none. Rows are bundled as they come, which needs no sorting and holds no pair in memory as a whole.
entries AS (
    INSERT INTO transfers_journalentry (
        transfer_id, pair_id, data_type, "table", what, n, key_columns, keys, columns, before, after,
        assigned, summed, partners
    )
    SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {table_name}, {what}, count(*),
        {key_columns}, {keys}, {columns}, {before}, {after}, {assigned}, {summed}, {partners}
    FROM (SELECT *, (sum({weight}) OVER (ROWS UNBOUNDED PRECEDING) - 1) / {rows_per_entry} AS bundle FROM done) AS done
    GROUP BY pair, bundle{further_groups}
    RETURNING pair_id, what, n
)
