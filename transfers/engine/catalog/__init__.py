"""The record tables as PostgreSQL's catalog describes them, and their names in SQL."""
