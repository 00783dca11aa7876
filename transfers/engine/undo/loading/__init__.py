"""Load the journal entries of the pairs to undo into work tables that have the columns of the record tables.

- `entries` finds the entries, and the tables in which they did something;
- `work_tables` describes and fills the work tables;
- `returning` finds deleted records that the transfer had changed before;
- `lists` takes back lists of users for some of their pairs;
- `attribution` decides which of several pairs a change of a shared row belongs to.
"""
