-- Creates the working tables of a batch: temporary, private to the connection, and empty when a batch starts.
-- writes: transfer_stage (the pairs), transfer_stage_attribute (the pairs with other unique attributes of the users,
--   as text and as values of other types),
--   transfer_work (the outcome of each row of conflict-resolving types), transfer_tally (the counts),
--   transfer_changes (the number of rows deleted from and updated in each table, by type).
-- index: transfer_work_row, transfer_work_winner. A row is identified by its table (a partition has its own) and its
--   ctid, which cannot change while this transaction holds the row's lock.
CREATE TEMP TABLE IF NOT EXISTS transfer_stage (
    pair bigint PRIMARY KEY, source bigint NOT NULL UNIQUE, target bigint NOT NULL UNIQUE
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS transfer_stage_attribute (
    pair bigint NOT NULL, holds text NOT NULL, tenant bigint NOT NULL, is_shared boolean NOT NULL DEFAULT false,
    source text NOT NULL, source_bigint bigint, source_numeric numeric, source_uuid uuid, source_bpchar bpchar,
    target text NOT NULL, target_bigint bigint, target_numeric numeric, target_uuid uuid, target_bpchar bpchar,
    PRIMARY KEY (holds, source, tenant)
) ON COMMIT DELETE ROWS;
CREATE INDEX IF NOT EXISTS transfer_stage_bigint ON transfer_stage_attribute (source_bigint);
CREATE INDEX IF NOT EXISTS transfer_stage_numeric ON transfer_stage_attribute (source_numeric);
CREATE INDEX IF NOT EXISTS transfer_stage_uuid ON transfer_stage_attribute (source_uuid);
CREATE INDEX IF NOT EXISTS transfer_stage_bpchar ON transfer_stage_attribute (source_bpchar);
CREATE TEMP TABLE IF NOT EXISTS transfer_work (
    type text NOT NULL, relation oid NOT NULL, "row" tid NOT NULL, pair bigint NOT NULL,
    outcome text NOT NULL DEFAULT 'moved', winner_relation oid, winner tid, renamed text,
    -- By which rows that lost to the same one are sorted: how far the row came to its key, or the place of its parent.
    place integer NOT NULL DEFAULT 0,
    again boolean NOT NULL DEFAULT false  -- the row that had beaten it has lost
) ON COMMIT DELETE ROWS;
CREATE INDEX IF NOT EXISTS transfer_work_row ON transfer_work (type, relation, "row");
CREATE INDEX IF NOT EXISTS transfer_work_winner ON transfer_work (type, winner_relation, winner)
    WHERE winner IS NOT NULL;
CREATE TEMP TABLE IF NOT EXISTS transfer_tally (
    pair bigint NOT NULL, type text NOT NULL, what text NOT NULL, n bigint NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS transfer_changes (
    type text NOT NULL, relation oid NOT NULL, deleted bigint NOT NULL DEFAULT 0, updated bigint NOT NULL DEFAULT 0
) ON COMMIT DELETE ROWS;
DELETE FROM transfer_stage;
DELETE FROM transfer_stage_attribute;
DELETE FROM transfer_work;
DELETE FROM transfer_tally;
DELETE FROM transfer_changes;
