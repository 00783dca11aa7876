-- Conflict-resolving: gives the planner the number of noted rows if it is large. Otherwise it expects a few, and joins
-- them in nested loops.
-- reads: transfer_work.
-- index: transfer_work_row.
DO $analyze$ BEGIN
    IF (SELECT count(*) > 100 FROM transfer_work WHERE type = {type}) THEN
        ANALYZE transfer_work;
    END IF;
END $analyze$
