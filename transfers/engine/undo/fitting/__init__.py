"""Whether a table still takes the records as they would be restored: its unique keys and its partitions."""
