"""SAML, stricter than django-allauth's own: an answer counts once and in the browser that asked, as proof if it is one.

Needs the extra `saml`, and is imported only where SAML_PROVIDERS names a provider. python3-saml checks the signature,
the times, the audience and the issuer of an answer. There is no single logout: nobody is signed out by a link.
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
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

CLOCKS_DIFFER = 60  # seconds, at most, between the provider's clock and ours
# What python3-saml and the XML below it raise about an answer or about metadata that is not as it should be.
UNREADABLE = (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, KeyError, ValueError, SyntaxError)
SECURITY = {
    "requestedAuthnContext": False,
    "rejectDeprecatedAlgorithm": True,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,
}
# A name of this kind may be somebody else's tomorrow, so nobody is linked by it.
NO_KEYS = (Words.NAMEID_TRANSIENT, Words.NAMEID_EMAIL_ADDRESS)
QUESTION = (
    "/samlp:Response/saml:Assertion/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
    "/@InResponseTo"
)
PROVED = "/samlp:Response/saml:Assertion/saml:AuthnStatement/@AuthnInstant"


class Refused(Exception):
    """An answer that signs nobody in; the text says why, for the log."""


class TenantProvider(SAMLProvider):
    def sign_in(self, request: HttpRequest, next_page: str) -> HttpResponse:
        """To the provider, who asks for the password again; nothing of the address of our page is believed."""
        auth = self.auth(request)
        address = auth.login(return_to="", force_authn=True)
        question, now = auth.get_last_request_id(), time.time()
        self.stash_redirect_state(request, AuthProcess.LOGIN, next_page, state_id=question, asked_at=now)
        return redirect(address)

    def answer(self, request: HttpRequest, text: str) -> OneLogin_Saml2_Auth:
        """What the provider has signed for this site, and for now. Raises `Refused`."""
        try:
            auth = self.auth(request, text)
            auth.process_response()
        except UNREADABLE as error:
            raise Refused(str(error)) from error
        if auth.get_errors() or not auth.is_authenticated():
            raise Refused(auth.get_last_error_reason() or "The person did not sign in there.")
        return auth

    def login_of(self, request: HttpRequest, auth: OneLogin_Saml2_Auth) -> Any:
        """allauth's SocialLogin, if this browser has asked for the answer and did not get one yet. Raises `Refused`."""
        question = auth.get_last_response_in_response_to()
        if not question or set(said(auth, QUESTION)) != {question}:
            raise Refused("Nobody asked for it.")
        try:
            state = self.unstash_redirect_state(request, question)
            login = self.sociallogin_from_response(request, auth)
        except PermissionDenied as error:
            raise Refused(
                "It answers a question that this browser did not ask, or was answered already."
            ) from error
        except ValueError as error:
            raise Refused(str(error)) from error
        login.state = state
        return login

    def is_proof(self, auth: OneLogin_Saml2_Auth, asked_at: float) -> bool:
        """Did the provider ask for the password since we sent the person there, as `ForceAuthn` demands?

        A person at a session that was left open can take that out of the address, as with `accounts.openid`.
        """
        if self.app.settings["trusted_to_ask"]:
            return True
        times = [OneLogin_Saml2_Utils.parse_SAML_to_time(instant) for instant in said(auth, PROVED)]
        return bool(times) and min(times) >= asked_at - CLOCKS_DIFFER

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        """An email that the provider says it has not verified is not, whatever the settings say of all others."""
        login = super().sociallogin_from_response(request, response)
        if self._extract(response).get("email_verified") is False:
            for address in login.email_addresses:
                address.verified = False
        return login

    def extract_uid(self, data: Any) -> str:
        if "uid" not in self._extract(data) and data.get_nameid_format() in NO_KEYS:
            raise ValueError(f"Its NameID is of the format {data.get_nameid_format()}, and not persistent.")
        return str(super().extract_uid(data) or "")

    # --- What python3-saml wants to know

    def auth(self, request: HttpRequest, response: str = "") -> OneLogin_Saml2_Auth:
        """Raises OSError when the provider's metadata cannot be read, else one of UNREADABLE."""
        metadata = fetch_metadata_url_config(self.app.settings["idp"])
        return OneLogin_Saml2_Auth(
            {**self.place(request), "post_data": {"SAMLResponse": response}},
            {**self.ourselves(request), "idp": metadata["idp"]},
        )

    def place(self, request: HttpRequest) -> dict[str, Any]:
        """Where answers arrive, as `ourselves` says it."""
        here = urlsplit(self.address(request, "saml_acs"))
        https = "on" if here.scheme == "https" else "off"
        return {
            "https": https,
            "http_host": here.netloc,
            "script_name": "",
            "path_info": here.path,
            "get_data": {},
        }

    def ourselves(self, request: HttpRequest) -> dict[str, Any]:
        answers = {"url": self.address(request, "saml_acs"), "binding": Words.BINDING_HTTP_POST}
        we = {
            "entityId": self.address(request, "saml_metadata"),
            "assertionConsumerService": answers,
            "NameIDFormat": Words.NAMEID_PERSISTENT,
        }
        return {"strict": True, "security": SECURITY, "sp": we}

    def address(self, request: HttpRequest, page: str) -> str:
        return request.build_absolute_uri(reverse(page, args=[self.app.client_id]))

    def metadata(self, request: HttpRequest) -> bytes | str:
        """What the provider has to know of this site, as XML."""
        found: bytes | str = OneLogin_Saml2_Settings(
            self.ourselves(request), sp_validation_only=True
        ).get_sp_metadata()
        return found


def said(auth: OneLogin_Saml2_Auth, path: str) -> list[str]:
    """What stands at the path of the answer, which is known to hold one assertion."""
    document = OneLogin_Saml2_XML.to_etree(auth.get_last_response_xml())
    return [str(value) for value in OneLogin_Saml2_XML.query(document, path)]
