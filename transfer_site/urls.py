"""The addresses of the site; each app keeps its own list, and the pages for errors belong to accounts."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(module)) for module in ("accounts.urls", "transfers.urls") if find_spec(module)
]

handler400 = "accounts.views.bad_request"
handler500 = "accounts.views.server_error"
