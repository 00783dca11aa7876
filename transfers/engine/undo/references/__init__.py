"""The foreign keys of the record tables, by which restored rows depend on others."""
