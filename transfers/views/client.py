"""Where a request came from, for the audit log."""

from accounts.client import address_of

__all__ = ["address_of"]
