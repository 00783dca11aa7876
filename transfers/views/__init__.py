"""Pages, with their forms, filters and context. Import `actions`, `planning`, `results` and what lies below."""
