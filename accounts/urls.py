"""URLs of `accounts`, grouped by prefix."""

from django.urls import path

from accounts.people.views import access_views, roles, users
from accounts.signing_in import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("security/", views.security, name="security"),
    path("security/sessions/", views.sign_out_elsewhere, name="sign-out-elsewhere"),
    path("users/", users.user_list, name="user-list"),
    path("users/new/", users.user_new, name="user-new"),
    path("users/<int:user_id>/", users.user_edit, name="user-edit"),
    path("users/<int:user_id>/activity/", users.user_activity, name="user-activity"),
    path("views/", access_views.view_list, name="view-list"),
    path("views/new/", access_views.view_new, name="view-new"),
    path("views/<int:view_id>/", access_views.view_edit, name="view-edit"),
    path("views/<int:view_id>/users/", access_views.view_users, name="view-users"),
    path("views/<int:view_id>/people/", access_views.view_people, name="view-people"),
    path("views/<int:view_id>/delete/", access_views.view_delete, name="view-delete"),
    path("roles/", roles.role_list, name="role-list"),
    path("roles/new/", roles.role_new, name="role-new"),
    path("roles/<int:role_id>/", roles.role_edit, name="role-edit"),
    path("roles/<int:role_id>/delete/", roles.role_delete, name="role-delete"),
]
