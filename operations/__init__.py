"""Running the site: health, metrics, logs, `doctor`, email, and the read-only pages for operators.

This is the top layer: it may import every other app, and no app imports it.
"""
