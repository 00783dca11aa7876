"""A page without a door stops start-up: somebody forgot to say who may see it."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

FRAMEWORK_PAGES = ("django.views.static",)


@register
def every_page_has_a_door(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The page {pattern.pattern} ({pattern.lookup_str}) does not say who may see it.",
            hint="Put @public, @signed_in or @requires(Permission.…) of accounts.doors on the view.",
            id="accounts.E001",
        )
        for pattern in url_patterns(get_resolver())
        if not hasattr(pattern.callback, "access") and not pattern.lookup_str.startswith(FRAMEWORK_PAGES)
    ]


def url_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Every page of the URLconf, however deep it is included."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from url_patterns(pattern)
        else:
            yield pattern
