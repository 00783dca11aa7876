"""The addresses of the site; each app keeps its own list, and the pages for errors belong to accounts."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("accounts.sign_in_urls")),
    path("", include("transfers.urls")),
    path("", include("user_import.urls")),
    path("", include("operations.urls")),
]

handler400 = "accounts.views.bad_request"
handler500 = "accounts.views.server_error"
