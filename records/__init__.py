"""Records of quality and workforce management: models, and the data types that declare how they are transferred.

Found through `transfers.registry` like the apps of any organisation. Imports `transfers.rules`, `accounts`, and
`demo.records.draw` for demo rows.
"""
