"""The system check that every page declares who may open it."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

FRAMEWORK_PAGES = ("django.views.static",)


@register
def every_page_declares_access(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The page {pattern.pattern} ({pattern.lookup_str}) does not declare who may open it.",
            hint="Decorate the view with @public, @signed_in or @requires(Permission.…) from accounts.access.",
            id="accounts.E001",
        )
        for pattern in url_patterns(get_resolver())
        if not hasattr(pattern.callback, "access") and not pattern.lookup_str.startswith(FRAMEWORK_PAGES)
    ]


def url_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Yield the URL pattern of every page in the URLconf, at any depth."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from url_patterns(pattern)
        else:
            yield pattern
