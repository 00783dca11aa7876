"""What an error means for a pair, for all pairs, or for the server, with the reason and remedy that people read."""
