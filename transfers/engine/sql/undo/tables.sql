-- Undo: creates the working tables of a batch: temporary, private to the connection, and empty when a batch starts.
-- writes: transfer_undone (the pairs to take back, each with the pair of the undo), transfer_entry (their journal
--   entries without the rows; those of other pairs have 0 as the pair), transfer_conflict (the rows that stay as they are).
CREATE TEMP TABLE IF NOT EXISTS transfer_undone (
    undone bigint PRIMARY KEY, pair bigint NOT NULL, source bigint NOT NULL, target bigint NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS transfer_entry (
    id bigint PRIMARY KEY, pair bigint NOT NULL, undone bigint NOT NULL, type text NOT NULL, "table" text NOT NULL,
    what text NOT NULL, n bigint NOT NULL, key_columns text[] NOT NULL, columns text[] NOT NULL,
    assigned smallint NOT NULL, summed text[] NOT NULL, is_shared boolean NOT NULL, has_keys boolean NOT NULL
) ON COMMIT DELETE ROWS;
CREATE INDEX IF NOT EXISTS transfer_entry_of_table ON transfer_entry ("table", what);
CREATE TEMP TABLE IF NOT EXISTS transfer_conflict (
    pair bigint NOT NULL, type text NOT NULL, "table" text NOT NULL, key text NOT NULL, n bigint NOT NULL,
    why text NOT NULL
) ON COMMIT DELETE ROWS;
DELETE FROM transfer_undone;
DELETE FROM transfer_entry;
DELETE FROM transfer_conflict;
