"""Where the tables of this app stand."""

from accounts.row_security import READ_ONLY, stands_before
from operations.models import Heartbeat, Mail, Operator

stands_before(Heartbeat, because="it speaks of the server and of nobody")
stands_before(Mail, because="it holds the id of a transfer, and is sent for all tenants in turn")
stands_before(
    Operator,
    because="it names who may look into every tenant, and only the command line writes it, as the owner",
    rights=READ_ONLY,
)
