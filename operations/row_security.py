"""Row-level security of this app's tables."""

from operations.models import Heartbeat, Mail, Operator
from tenancy.policies import READ_ONLY, exempt

exempt(Heartbeat, because="it describes the server and no user")
exempt(Mail, because="it holds only the id of a transfer, and one task sends the emails of all tenants")
exempt(
    Operator,
    because="operators may view all tenants; only `manage.py operator` writes this table, as its owner",
    rights=READ_ONLY,
)
