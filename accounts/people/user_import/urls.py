from django.urls import path

from accounts.people.user_import import views

app_name = "user_import"
urlpatterns = [
    path("users/import/", views.user_import, name="user-import"),
    path("users/import/users.csv", views.users_csv, name="users-csv"),
    path("users/import/preview/", views.preview, name="preview"),
    path("users/import/preview/confirmation/", views.confirmation, name="confirmation"),
    path("users/import/errors.csv", views.errors, name="errors"),
    path("users/import/preview/left-out/", views.left_out, name="left-out"),
    path("users/import/preview/discard/", views.discard, name="discard"),
]
