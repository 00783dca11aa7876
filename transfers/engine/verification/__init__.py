"""Verification before a batch is committed. It trusts neither the statements nor the tables, but counts again.

A trigger, a rewrite rule, a policy or a cascade may do something else than a statement says. For every type (`totals`):

- no row holds a source any more, and the values that a statement wrote are in the rows;
- source rows before = rows moved + dropped + merged, as the journal has them, for each pair;
- what was to be deleted is what the journal has as deleted, for each pair;
- rows holding a user of the batch before = rows holding a target after + rows deleted.

And for every table of the database, declared or not, PostgreSQL's own count of the rows that this transaction deleted
is the number that the journal has (`database`).
"""
