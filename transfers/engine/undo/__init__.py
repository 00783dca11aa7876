"""Undo: take back what pairs of an earlier transfer did, from the journal (docs/decisions/undo.md).

Everything is decided and restored for all pairs of a batch at once, table by table:

- `loading` reads the journal entries of the undone pairs into work tables with the columns of the record tables;
- `conflicts` finds the rows that were changed since, until no more are found;
- `restoring` writes the rows, and `checking` reads them again before the commit;
- `prediction` does the first two for a preview.
"""
