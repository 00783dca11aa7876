"""Text for people: safe display of user-supplied text, phrases with correct plurals, problems with remedies. No
database, no imports from the project.
"""
