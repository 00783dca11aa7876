"""Row-level security for this app's tables."""

from accounts.people.user_import.models import UserImport
from tenancy.policies import protect

protect(UserImport, through="made_by")
