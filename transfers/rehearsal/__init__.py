"""Rehearse a draft: run its batches as a transfer does, roll each back, and keep a report.

The decision is in docs/decisions/rehearsal.md.

`trial` runs pairs in a transaction that is rolled back, `worker` does this for one chunk after the other.
"""
