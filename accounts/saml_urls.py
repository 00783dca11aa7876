"""The addresses of SAML, under the names that allauth looks for; they exist where SAML_PROVIDERS names a provider."""

from django.urls import path

from accounts.views import saml

urlpatterns = [
    path("sign-in/saml/<slug:organization_slug>/", saml.saml_sign_in, name="saml_login"),
    path("sign-in/saml/<slug:organization_slug>/acs/", saml.saml_acs, name="saml_acs"),
    path("sign-in/saml/<slug:organization_slug>/finish/", saml.saml_finish, name="saml_finish_acs"),
    path("sign-in/saml/<slug:organization_slug>/metadata/", saml.saml_metadata, name="saml_metadata"),
]
