"""Pages, with their forms, filters and context. They may import `actions`, `planning`, `results` and lower layers."""
