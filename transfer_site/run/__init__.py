"""`make run`: the supervisor, and the embedded PostgreSQL and Redis it starts."""
