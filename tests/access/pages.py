"""The list of all pages in the URLconf, so that the access tests include every new page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Page:
    """A page of the site: its URL name with the namespace, its URL pattern, and the URL's parameters in order."""

    name: str
    route: str
    parameters: tuple[str, ...]


def pages(resolver: URLResolver | None = None, namespace: str = "", route: str = "") -> Iterator[Page]:
    for entry in (resolver or get_resolver()).url_patterns:
        whole = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from pages(entry, namespace + (f"{entry.namespace}:" if entry.namespace else ""), whole)
        elif isinstance(entry, URLPattern):
            parameters = re.findall(r"<(?:\w+:)?(\w+)>", whole)
            yield Page(namespace + (entry.name or entry.lookup_str), whole, tuple(parameters))


# The operators' pages are Django admin pages with one access check, which tests/operations/test_operators.py tests.
PAGES = [page for page in pages() if not page.name.startswith("admin:")]
