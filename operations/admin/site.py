"""The Django admin for operators, under /operate/, read-only."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path

from adopting.coverage import coverage, undecided
from operations.admin.access import operators_only

# Left out, because operators sign in, sign out and change their password on the same pages as all other users.
EXCLUDED = ("login", "logout", "password_change", "password_change_done")


class OperationsSite(AdminSite):
    site_header = site_title = "Operations"
    index_title = "All tenants"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Allow every request, because `operators_only` has already checked it."""
        return True

    def coverage(self, request: HttpRequest) -> HttpResponse:
        """Show what a transfer does with each column of adopted tables in which a person stands."""
        columns = coverage()
        facts = {"title": "Coverage of adopted tables", "columns": columns, "undecided": undecided(columns)}
        return render(request, "admin/coverage.html", {**self.each_context(request), **facts})

    def get_urls(self) -> list[Any]:
        """Return the admin's URLs without those in EXCLUDED, each view behind the access check for operators."""
        patterns = [entry for entry in super().get_urls() if getattr(entry, "name", None) not in EXCLUDED]
        patterns.insert(0, path("coverage/", self.coverage, name="coverage"))
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
