"""Quality management records and their data types, all of which are combined (see `datatypes.py`)."""
