"""An organisation's app as in docs/extending.md: headsets on loan, and the log of a door system."""
