"""Records of quality and workforce management: models, and the data types that declare how they are transferred.

Their apps are registered through `transfers.registry` like an organisation's own apps. Of the project they import only
`transfers.rules`, `accounts`, `tenancy` and, for demo rows, `demo.records.draw`.
"""
