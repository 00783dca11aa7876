"""Where the tables of this app stand."""

from accounts.models import (
    AccessView,
    AccessViewAssignment,
    AccessViewTeam,
    AccessViewUser,
    Role,
    RoleAssignment,
    SearchableUser,
    Team,
    Tenant,
    User,
)
from accounts.row_security import READ_ONLY, stands_before, stands_behind

stands_behind(Tenant, tenant="id")
stands_behind(Team, tenant="tenant_id")
stands_behind(User, tenant="tenant_id")
stands_behind(Role, tenant="tenant_id")
stands_behind(RoleAssignment, through="role")
stands_behind(AccessView, tenant="tenant_id")
stands_behind(AccessViewTeam, through="view")
stands_behind(AccessViewUser, through="view")
stands_behind(AccessViewAssignment, through="view")
stands_before(
    SearchableUser,
    because="it is a database view that asks for the tenant itself, and belongs to the owner: it is only read",
    rights=READ_ONLY,
)
