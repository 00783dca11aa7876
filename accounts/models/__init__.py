"""Tenants, teams, users, roles and access views. Imports nothing of `transfers`."""

from accounts.models.role import Role, RoleAssignment
from accounts.models.searchable import SearchableUser
from accounts.models.tenant import Team, Tenant
from accounts.models.user import User
from accounts.models.view import AccessView, AccessViewAssignment, AccessViewTeam, AccessViewUser

__all__ = [
    "AccessView",
    "AccessViewAssignment",
    "AccessViewTeam",
    "AccessViewUser",
    "Role",
    "RoleAssignment",
    "SearchableUser",
    "Team",
    "Tenant",
    "User",
]
