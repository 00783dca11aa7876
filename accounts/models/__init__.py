"""Teams, users, roles and access views."""

from accounts.models.role import Role, RoleAssignment
from accounts.models.searchable import SearchableUser
from accounts.models.team import Team
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
    "User",
]
