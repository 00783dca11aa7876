"""OpenID Connect, with stricter checks of the nonce, the signature and the issuer than in allauth."""

import secrets
import time
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from accounts.signing_in.sessions.lifetime import mark_unproven

# Only asymmetric signatures are accepted, so unsigned tokens and those signed with the shared secret are refused.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
MAX_CLOCK_SKEW = 60  # seconds
NO_PROOF = (
    "You are signed in, but {name} did not confirm that you have just entered your password. Some actions will ask you"
    " to sign in again. To do so, first sign out of {name}, or sign in another way."
)


class TenantAdapter(OpenIDConnectOAuth2Adapter):
    nonce: str | None = None
    asked_at = 0.0

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's configuration. Raises OAuth2Error if its issuer is not `server_url` in the settings."""
        config: dict[str, Any] = super().openid_config
        if config["issuer"].rstrip("/") != self.get_provider().app.settings["server_url"]:
            raise OAuth2Error("The issuer differs from `server_url` in the settings.")
        return config

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        identity = self._decode_id_token(app, kwargs["response"].get("id_token") or "")
        user_info = self._fetch_user_info(token.token)
        if user_info.get("sub") != identity["sub"]:
            raise OAuth2Error("The subjects of the user info and the ID token differ.")
        if not self.is_proof(app, identity):
            mark_unproven(request)
            messages.warning(request, NO_PROOF.format(name=app.name))
        data = {"id_token": identity, "userinfo": identity | user_info}
        return self.get_provider().sociallogin_from_response(request, data)

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """Return the claims after checking signature, issuer, audience, age and nonce.

        The checks are those of OpenID Connect Core 3.1.3.7.
        """
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self.signing_key(id_token),
                algorithms=ALGORITHMS,
                audience=app.client_id,
                issuer=self.openid_config["issuer"],
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise OAuth2Error("The ID token is not valid.") from error
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise OAuth2Error("The ID token belongs to another sign-in.")
        return claims

    def is_proof(self, app: SocialApp, claims: dict[str, Any]) -> bool:
        """Return whether the provider asked for the password after our redirect, as `prompt` and `max_age` demand.

        Someone at another person's unattended computer can remove both parameters from the URL, so `auth_time` is
        compared with the time of the redirect (OpenID Connect Core 3.1.2.1). A provider that does not send `auth_time`
        needs the setting `trusted_to_ask`, which skips the comparison.
        """
        if app.settings["trusted_to_ask"]:
            return True
        proved_at = claims.get("auth_time", 0)
        return isinstance(proved_at, int | float) and proved_at >= self.asked_at - MAX_CLOCK_SKEW

    def signing_key(self, id_token: str) -> jwt.PyJWK:
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        return jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(id_token)["kid"]]


class TenantProvider(OpenIDConnectProvider):
    oauth2_adapter_class = TenantAdapter

    def sign_in(self, request: HttpRequest, next_page: str) -> HttpResponse:
        """Redirect to the provider and demand the password again. No query parameter of our own page is passed on."""
        nonce = secrets.token_urlsafe(32)
        asked = {"nonce": nonce, "prompt": "login", "max_age": "0"}
        answer: HttpResponse = self.redirect(
            request, "login", next_url=next_page, auth_params=asked, nonce=nonce, asked_at=time.time()
        )
        return answer


class TenantCallback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        if state:
            self.adapter.nonce = state.get("nonce")
            self.adapter.asked_at = state.get("asked_at", time.time())
        return state, response
