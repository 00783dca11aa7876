"""Records of quality and workforce management: models, and the data types that declare how they are transferred.

Registered through `transfers.registry` like an organisation's own apps. Imports `transfers.rules`, `accounts`, and
`demo.records.draw` for demo rows.
"""
