"""Row-level security for this app's tables."""

from accounts.models import (
    AccessView,
    AccessViewAssignment,
    AccessViewTeam,
    AccessViewUser,
    Role,
    RoleAssignment,
    SearchableUser,
    Team,
    User,
)
from accounts.models.searchable import MAKE_SEARCHABLE
from tenancy.database_roles import create_after_migrate
from tenancy.policies import READ_ONLY, exempt, protect

protect(Team, tenant="tenant_id")
protect(User, tenant="tenant_id")
protect(Role, tenant="tenant_id")
protect(RoleAssignment, through="role")
protect(AccessView, tenant="tenant_id")
protect(AccessViewTeam, through="view")
protect(AccessViewUser, through="view")
protect(AccessViewAssignment, through="view")
exempt(
    SearchableUser,
    because="a read-only database view that has its own tenant filter and belongs to the owner of the tables",
    rights=READ_ONLY,
)
create_after_migrate(MAKE_SEARCHABLE)
