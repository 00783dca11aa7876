"""The Django admin for operators, under /operate/: read-only, for all tenants, only with a second factor."""
