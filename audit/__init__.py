"""The audit log: append-only events, sealed into a hash chain per tenant, and their verification.

`log` writes events and renders them as sentences; `chain` seals them; `verification` checks the seals. The package may
import only `tenancy` and `wording`, so callers pass in the acting user.
"""
