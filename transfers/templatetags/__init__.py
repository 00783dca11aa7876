"""Template tags and filters that the pages use."""
