"""Text shown to users: safe display of user-supplied text, phrases with correct plurals, problems with remedies.

Uses no database and imports nothing from the project.
"""
