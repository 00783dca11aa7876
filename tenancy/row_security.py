"""Row-level security of this app's tables."""

from tenancy.models import Tenant
from tenancy.policies import protect

protect(Tenant, tenant="id")
