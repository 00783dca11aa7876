"""What a person can do with users, views and roles: keyword-only, `by` the person, `address` their IP address.

Each is atomic, waits for other such changes in the tenant, asks again who `by` is by then, and tells the audit log in
the same transaction. The rules that keep anybody from giving what they do not have, and from locking themselves out,
are judged here and nowhere else. What a command on the server does (`tenants`, `factors`) has no `by`.
"""

from accounts.actions.access_views import (
    assign_view,
    change_view,
    create_view,
    delete_view,
    put_into_view,
    take_out_of_view,
    unassign_view,
)
from accounts.actions.administering import Refused, Stale
from accounts.actions.roles import change_role, create_role, delete_role
from accounts.actions.users import UserFields, change_user, create_user

__all__ = [
    "Refused",
    "Stale",
    "UserFields",
    "assign_view",
    "change_role",
    "change_user",
    "change_view",
    "create_role",
    "create_user",
    "create_view",
    "delete_role",
    "delete_view",
    "put_into_view",
    "take_out_of_view",
    "unassign_view",
]
