"""Where a request came from; the same for every page of the site."""

from accounts.client import address_of

__all__ = ["address_of"]
