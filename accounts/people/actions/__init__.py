"""Actions that change users, views and roles.

Their arguments are keyword-only. `by` is the acting person and `address` is their IP address. Each action runs in one
transaction: it waits for other such changes in the tenant, reads `by` again, and records the change in the audit log.
Only these actions, not the forms, ensure that nobody grants a permission that they lack or locks themselves out. The
actions for commands on the server (`tenants`, `passwords`) take no `by`.
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
from accounts.people.actions.users import UserFields, change_user, create_user, set_active

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
    "set_active",
    "unassign_view",
]
