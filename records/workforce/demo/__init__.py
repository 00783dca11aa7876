"""Demo rows of workforce management, one file per subject."""

from records.workforce.demo import activities, automation, messaging, people, productivity, scheduling

PARTS = (messaging, automation, people, scheduling, productivity, activities)

LOOKUPS = {model: rows for part in PARTS for model, rows in getattr(part, "LOOKUPS", {}).items()}
VALUES = {model: hook for part in PARTS for model, hook in part.VALUES.items()}
CHILDREN = scheduling.CHILDREN
