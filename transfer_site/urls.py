"""Root URLconf. Each app has its own URLconf; the views for errors are in accounts."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("accounts.signing_in.urls")),
    path("", include("transfers.urls")),
    path("", include("accounts.people.user_import.urls")),
    path("", include("operations.urls")),
]

handler400 = "accounts.signing_in.views.bad_request"
handler500 = "accounts.signing_in.views.server_error"
