"""The two kinds of data type, direct and conflict-resolving, and the steps that only the second has."""
