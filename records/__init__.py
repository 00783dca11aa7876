"""Records of quality and workforce management: models, and the data types that declare how they are transferred.

These apps are registered through `transfers.registry` like an organisation's own apps. From the project, they import
only `transfers.rules`, `accounts`, `tenancy` and, for demo rows, `demo.records.draw`.
"""
