"""Actions on users, views and roles: keyword-only, with the acting person as `by` and their IP address as `address`.

Each is atomic, waits for other such changes in the tenant, then reads `by` again, and records the change in the audit
log in the same transaction. The rules against giving permissions that one does not have, and against locking oneself
out, are enforced only here. Actions of server commands (`tenants`, `passwords`) have no `by`.
"""

from accounts.people.actions.access_views import (
    add_to_view,
    assign_view,
    change_view,
    create_view,
    delete_view,
    remove_from_view,
    unassign_view,
)
from accounts.people.actions.administering import Refused, Stale
from accounts.people.actions.roles import change_role, create_role, delete_role
from accounts.people.actions.users import UserFields, change_user, create_user

__all__ = [
    "Refused",
    "Stale",
    "UserFields",
    "add_to_view",
    "assign_view",
    "change_role",
    "change_user",
    "change_view",
    "create_role",
    "create_user",
    "create_view",
    "delete_role",
    "delete_view",
    "remove_from_view",
    "unassign_view",
]
