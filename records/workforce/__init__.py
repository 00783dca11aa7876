"""Workforce management records and their data types (`datatypes.py`), mostly overwritten."""
