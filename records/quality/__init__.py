"""Quality management records and their data types (`datatypes.py`), all combined."""
