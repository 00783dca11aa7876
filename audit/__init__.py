"""The audit log: append-only events, sealed into a hash chain per tenant, and their verification.

`log` writes events and has the sentence of each kind; `chain` seals them; `verification` checks the seals. Imports
`tenancy` and `wording`; the acting user is passed in.
"""
