"""Administration of users, views and roles: pages, forms, search, actions, and the import of users from a file.

May import the rest of `accounts` except `signing_in.views`, and the packages in the layers below `accounts`.
"""
