"""Workforce management records and their data types, most of which are overwritten (see `datatypes.py`)."""
