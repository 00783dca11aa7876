"""The django-allauth pages, each with its access check, under the URL names that allauth reverses.

allauth's other pages are left out: users can neither sign up nor change their own email address.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.apps import apps
from django.urls import URLPattern, path, re_path

from accounts.access import public, signed_in
from accounts.signing_in import views
from accounts.signing_in.providers import openid_views
from accounts.signing_in.views.security import by_email, with_factor

urlpatterns: list[URLPattern] = [
    # Signing in
    path("sign-in/", views.sign_in, name="account_login"),
    path("sign-in/code/", views.second_factor, name="mfa_authenticate"),
    path("sign-in/passkey/", public(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/with/<slug:provider_id>/", openid_views.openid_sign_in, name="openid_connect_login"),
    path(
        "sign-in/with/<slug:provider_id>/back/", openid_views.openid_callback, name="openid_connect_callback"
    ),
    # Signing in again, before a sensitive action
    path("sign-in/again/", views.sign_in_again, name="account_reauthenticate"),
    path("sign-in/again/code/", with_factor(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(
        "sign-in/again/passkey/",
        with_factor(webauthn.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    # Setting a new password by email
    path("new-password/", by_email(account.password_reset), name="account_reset_password"),
    path("new-password/sent/", by_email(account.password_reset_done), name="account_reset_password_done"),
    path(
        "new-password/set/",
        by_email(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^new-password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        by_email(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    # The Security page and its forms
    path("security/", views.security, name="mfa_index"),
    path("security/", views.security, name="mfa_list_webauthn"),
    path("security/password/", views.change_password, name="account_change_password"),
    path("security/app/", signed_in(totp.activate_totp), name="mfa_activate_totp"),
    path("security/app/off/", signed_in(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("security/codes/", signed_in(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "security/codes/new/",
        signed_in(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "security/codes/file/",
        signed_in(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("security/passkeys/add/", signed_in(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path(
        "security/passkeys/<int:pk>/remove/", signed_in(webauthn.remove_webauthn), name="mfa_remove_webauthn"
    ),
]

if apps.is_installed("allauth.socialaccount.providers.saml"):
    from accounts.signing_in.providers.saml_urls import urlpatterns as saml_urlpatterns

    urlpatterns += saml_urlpatterns
