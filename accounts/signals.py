"""What accounts tell the rest of the site, which they know nothing of.

`administered` is sent in the transaction of every change of users, views and roles, so that the audit log holds it if
and only if it happened. Arguments: `tenant_id`, `by` (User, or None where somebody did it on the server), `address`
(their IP address or None), `changes` (list of `accounts.changes.Change`, all of the tenant) and `note` (what they have
in common, or "").
"""

from django.dispatch import Signal

administered = Signal()
