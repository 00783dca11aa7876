"""What a transfer did: progress, CSV exports, late arrivals."""
