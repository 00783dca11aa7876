"""Where the table of this app stands."""

from accounts.row_security import stands_behind
from user_import.models import UserImport

stands_behind(UserImport, through="made_by")
