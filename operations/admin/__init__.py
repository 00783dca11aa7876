"""The Django admin for operators, under /operate/: all tenants, read-only, second factor required."""
