"""Users from a view of the organisation's own people (`manage.py sync_people`, docs/decisions/people-from-a-view.md).

`source` reads what the view is, `staging` what it says and what is wrong with it, and `writing` stores the users.
"""
