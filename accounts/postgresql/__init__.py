"""Django's backend for PostgreSQL, whose connections always carry the tenant of the code that uses them."""
