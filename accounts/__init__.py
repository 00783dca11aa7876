"""Teams, users, roles and access views: how users sign in, and who may see and do what.

Imports `audit`, `tenancy`, `web`, `spreadsheets` and `wording`, but never `transfers`.
"""
