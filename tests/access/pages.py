"""All pages of the URLconf, so that the access tests cannot miss a new one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Page:
    """`name` includes the namespace, as for `reverse`; `parameters` are those of the URL, in order."""

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


# Pages for operators are the Django admin's own, with a single access check: tests/operations/test_operators.py.
PAGES = [page for page in pages() if not page.name.startswith("admin:")]
