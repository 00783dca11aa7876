"""The tables to adopt, read from the database catalog in a number of queries that does not depend on them."""
