"""Django's PostgreSQL backend, with connections that carry the current tenant."""
