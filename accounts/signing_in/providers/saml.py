"""SAML sign-in, stricter than in django-allauth: a response is accepted once, from the browser that requested it.

Needs the package extra `saml`, and is imported only if SAML_PROVIDERS names a provider. python3-saml checks the
signature, times, audience and issuer of a response. Single logout is not supported, so that no link can sign users out.
"""

import time
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.providers.saml.utils import fetch_metadata_url_config
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

MAX_CLOCK_SKEW = 60  # seconds
# Raised by python3-saml and its XML parser for invalid responses or metadata.
INVALID = (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, KeyError, ValueError, SyntaxError)
SECURITY = {
    "requestedAuthnContext": False,
    "rejectDeprecatedAlgorithm": True,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,
}
# A NameID in one of these formats may later be given to another user, so accounts are never linked by it.
UNSTABLE_NAME_IDS = (Constants.NAMEID_TRANSIENT, Constants.NAMEID_EMAIL_ADDRESS)
IN_RESPONSE_TO = (
    "/samlp:Response/saml:Assertion/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
    "/@InResponseTo"
)
AUTHN_INSTANT = "/samlp:Response/saml:Assertion/saml:AuthnStatement/@AuthnInstant"


class Refused(Exception):
    """Raised for a response of the provider that is not accepted. The message gives the reason, for the log."""


class TenantProvider(SAMLProvider):
    def sign_in(self, request: HttpRequest, next_page: str) -> HttpResponse:
        """Redirect to the provider and demand the password again. No query parameter of our own page is passed on."""
        auth = self.auth(request)
        address = auth.login(return_to="", force_authn=True)
        request_id, now = auth.get_last_request_id(), time.time()
        self.stash_redirect_state(request, AuthProcess.LOGIN, next_page, state_id=request_id, asked_at=now)
        return redirect(address)

    def checked_response(self, request: HttpRequest, text: str) -> OneLogin_Saml2_Auth:
        """Return the parsed response if the provider signed it for this site and it is currently valid.

        Raises `Refused` otherwise.
        """
        try:
            auth = self.auth(request, text)
            auth.process_response()
        except INVALID as error:
            raise Refused(str(error)) from error
        if auth.get_errors() or not auth.is_authenticated():
            raise Refused(auth.get_last_error_reason() or "The user did not sign in with the provider.")
        return auth

    def login_of(self, request: HttpRequest, auth: OneLogin_Saml2_Auth) -> Any:
        """Return allauth's SocialLogin if this browser sent the request and no response to it has been used yet.

        Raises `Refused` otherwise.
        """
        request_id = auth.get_last_response_in_response_to()
        if not request_id or set(values_at(auth, IN_RESPONSE_TO)) != {request_id}:
            raise Refused("The response does not belong to a request from this site.")
        try:
            state = self.unstash_redirect_state(request, request_id)
            login = self.sociallogin_from_response(request, auth)
        except PermissionDenied as error:
            raise Refused(
                "This browser did not send the request, or the request was already answered."
            ) from error
        except ValueError as error:
            raise Refused(str(error)) from error
        login.state = state
        return login

    def is_proof(self, auth: OneLogin_Saml2_Auth, asked_at: float) -> bool:
        """Return whether the provider asked for the password after our redirect, as `ForceAuthn` demands.

        Someone at another person's unattended computer can remove `ForceAuthn` from the URL, so `AuthnInstant` is
        compared with the time of the redirect.
        """
        if self.app.settings["trusted_to_ask"]:
            return True
        times = [
            OneLogin_Saml2_Utils.parse_SAML_to_time(instant) for instant in values_at(auth, AUTHN_INSTANT)
        ]
        return bool(times) and min(times) >= asked_at - MAX_CLOCK_SKEW

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        """Return allauth's SocialLogin.

        An email marked as unverified counts as unverified even if the settings trust the provider's emails.
        """
        login = super().sociallogin_from_response(request, response)
        if self._extract(response).get("email_verified") is False:
            for address in login.email_addresses:
                address.verified = False
        return login

    def extract_uid(self, data: Any) -> str:
        if "uid" not in self._extract(data) and data.get_nameid_format() in UNSTABLE_NAME_IDS:
            raise ValueError(f"The NameID format {data.get_nameid_format()} is not persistent.")
        return str(super().extract_uid(data) or "")

    # --- Configuration of python3-saml

    def auth(self, request: HttpRequest, response: str = "") -> OneLogin_Saml2_Auth:
        """Return the python3-saml object for this request and response.

        Raises OSError if the provider's metadata cannot be fetched, or an exception in INVALID if it is not valid.
        """
        metadata = fetch_metadata_url_config(self.app.settings["idp"])
        return OneLogin_Saml2_Auth(
            {**self.request_data(request), "post_data": {"SAMLResponse": response}},
            {**self.site_settings(request), "idp": metadata["idp"]},
        )

    def request_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the URL that receives responses, as in `site_settings`, in the request format of python3-saml."""
        acs = urlsplit(self.address(request, "saml_acs"))
        return {
            "https": "on" if acs.scheme == "https" else "off",
            "http_host": acs.netloc,
            "script_name": "",
            "path_info": acs.path,
            "get_data": {},
        }

    def site_settings(self, request: HttpRequest) -> dict[str, Any]:
        service_provider = {
            "entityId": self.address(request, "saml_metadata"),
            "assertionConsumerService": {
                "url": self.address(request, "saml_acs"),
                "binding": Constants.BINDING_HTTP_POST,
            },
            "NameIDFormat": Constants.NAMEID_PERSISTENT,
        }
        return {"strict": True, "security": SECURITY, "sp": service_provider}

    def address(self, request: HttpRequest, page: str) -> str:
        return request.build_absolute_uri(reverse(page, args=[self.app.client_id]))

    def metadata(self, request: HttpRequest) -> bytes | str:
        """Return the metadata of this site as XML."""
        found: bytes | str = OneLogin_Saml2_Settings(
            self.site_settings(request), sp_validation_only=True
        ).get_sp_metadata()
        return found


def values_at(auth: OneLogin_Saml2_Auth, path: str) -> list[str]:
    """Return the values at an XPath of the response, which is known to contain exactly one assertion."""
    document = OneLogin_Saml2_XML.to_etree(auth.get_last_response_xml())
    return [str(value) for value in OneLogin_Saml2_XML.query(document, path)]
