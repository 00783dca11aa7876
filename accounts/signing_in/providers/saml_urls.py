"""The SAML pages under the URL names that allauth reverses. Included only if SAML_PROVIDERS names a provider."""

from django.urls import path

from accounts.signing_in.providers import saml_views

urlpatterns = [
    path("sign-in/saml/<slug:organization_slug>/", saml_views.saml_sign_in, name="saml_login"),
    path("sign-in/saml/<slug:organization_slug>/acs/", saml_views.saml_acs, name="saml_acs"),
    path("sign-in/saml/<slug:organization_slug>/finish/", saml_views.saml_finish, name="saml_finish_acs"),
    path("sign-in/saml/<slug:organization_slug>/metadata/", saml_views.saml_metadata, name="saml_metadata"),
]
