"""The Django admin for those who run the server, under /operate/: it shows, and changes nothing."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver

from operations.doors import operators_only

# People sign in, sign out and change their password where everybody does.
NOT_HERE = ("login", "logout", "password_change", "password_change_done")


class OperationsSite(AdminSite):
    site_header = site_title = "Operations"
    index_title = "All tenants"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever came through the door has it."""
        return True

    def get_urls(self) -> list[Any]:
        """The admin's own pages, each behind the door."""
        patterns = [entry for entry in super().get_urls() if getattr(entry, "name", None) not in NOT_HERE]
        for page in pages(patterns):
            page.callback = operators_only(page.callback)
        return patterns


def pages(patterns: list[Any]) -> Iterator[URLPattern]:
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from pages(entry.url_patterns)
        else:
            yield entry


site = OperationsSite(name="admin")
