"""Running the site: health, metrics, logs, `doctor`, email, and the read-only pages for operators.

The top layer: may import every other app; no app imports it.
"""
