"""Administration of users, views and roles: pages, forms, search, actions, and the import of users from a file.

Imports the rest of `accounts` except `signing_in.views`, and the packages below `accounts`.
"""
