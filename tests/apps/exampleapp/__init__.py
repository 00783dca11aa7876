"""The example app of docs/extending.md, with headsets on loan and the log of a door system."""
