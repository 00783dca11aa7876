"""Teams, users, roles and access views: signing in, and who may see and do what.

Imports `audit`, `tenancy`, `web`, `spreadsheets` and `wording`; nothing of `transfers`.
"""
