"""What a transfer has done: its progress, CSV exports and late arrivals."""
