"""The permissions, and the standard roles of a new tenant.

A role is a named list of permissions; a user has the permissions of all their roles. Roles decide *what* a user may do,
and access views decide *to whom* (`accounts.scope`).
"""

from dataclasses import dataclass

from django.db.models import TextChoices


class Permission(TextChoices):
    """All permissions. Each label completes the sentence "This needs the permission: …"."""

    TRANSFER_ONE = "transfer_one", "Transfer one user's data"
    TRANSFER_BULK = "transfer_bulk", "Transfer data in bulk"
    UNDO = "undo", "Undo transfers"
    SEE_TRANSFERS = "see_transfers", "See transfers"
    SEE_AUDIT = "see_audit", "See the audit log"
    MANAGE_USERS = "manage_users", "Manage users"
    MANAGE_VIEWS = "manage_views", "Manage views"
    ADMINISTER_TENANT = "administer_tenant", "Administer the tenant"


@dataclass(frozen=True)
class StandardRole:
    name: str
    sentence: str
    permissions: tuple[Permission, ...]


TRANSFER_ADMINISTRATOR = StandardRole(
    "Transfer administrator",
    "Runs and undoes single and bulk transfers, and sees all transfers and the audit log.",
    (
        Permission.TRANSFER_ONE,
        Permission.TRANSFER_BULK,
        Permission.UNDO,
        Permission.SEE_TRANSFERS,
        Permission.SEE_AUDIT,
    ),
)
TRANSFER_OPERATOR = StandardRole(
    "Transfer operator",
    "Runs single transfers within their own views.",
    (Permission.TRANSFER_ONE, Permission.SEE_TRANSFERS),
)
TRANSFER_VIEWER = StandardRole(
    "Transfer viewer",
    "Sees transfers and the audit log, and changes nothing.",
    (Permission.SEE_TRANSFERS, Permission.SEE_AUDIT),
)
TENANT_ADMINISTRATOR = StandardRole(
    "Tenant administrator",
    "May do everything in the tenant. Can be neither the source nor the target of a transfer.",
    tuple(Permission),
)

STANDARD_ROLES = (TRANSFER_ADMINISTRATOR, TRANSFER_OPERATOR, TRANSFER_VIEWER, TENANT_ADMINISTRATOR)
