"""Demo rows of workforce management, a file for each subject: what agents ask for, can do, are planned for, and did."""

from records.workforce.demo import activities, automation, messaging, people, productivity, scheduling

PARTS = (messaging, automation, people, scheduling, productivity, activities)

LOOKUPS = {model: rows for part in PARTS for model, rows in getattr(part, "LOOKUPS", {}).items()}
VALUES = {model: better for part in PARTS for model, better in part.VALUES.items()}
CHILDREN = scheduling.CHILDREN
