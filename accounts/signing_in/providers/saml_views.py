"""Sign-in with the SAML provider of the user's tenant. Imported only if SAML_PROVIDERS names a provider."""

import logging
from collections.abc import Callable
from typing import cast

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.sessions import LoginSession
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.access import public
from accounts.signing_in.adapters import refuse_sign_in
from accounts.signing_in.providers.openid import NO_PROOF
from accounts.signing_in.providers.openid_views import UNAVAILABLE
from accounts.signing_in.providers.saml import INVALID, Refused, TenantProvider
from accounts.signing_in.sessions.lifetime import mark_unproven
from accounts.signing_in.views.sign_in import next_page

log = logging.getLogger(__name__)

MAX_LENGTH = 200_000  # characters in a response; real ones have a few thousand
MAX_AGE = 300  # seconds between `saml_acs` and `saml_finish`
COOKIE = "saml-acs-session"


@public
@never_cache
@require_safe
def saml_sign_in(request: HttpRequest, organization_slug: str) -> HttpResponse:
    provider = provider_of(request, organization_slug)
    return handle_failures(request, provider, lambda: provider.sign_in(request, next_page(request)))


@public
@csrf_exempt  # posted from the provider's site; the signature of the response is checked instead
@never_cache
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Accept a response posted from the provider's site.

    The browser does not send the SameSite session cookie with this cross-site request. If the response has a valid
    signature, it is stored and the browser is redirected to `saml_finish`. That request has the cookie.
    """
    provider = provider_of(request, organization_slug)
    text = request.POST.get("SAMLResponse", "")
    return handle_failures(request, provider, lambda: store_response(request, provider, text))


@public
@never_cache
@require_safe
def saml_finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    provider = provider_of(request, organization_slug)
    return handle_failures(request, provider, lambda: finish(request, provider, pop_response(request)))


@public
@require_safe
def saml_metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    return HttpResponse(provider_of(request, organization_slug).metadata(request), content_type="text/xml")


def provider_of(request: HttpRequest, slug: str) -> TenantProvider:
    try:
        app = get_adapter().get_app(request, provider=TenantProvider.id, client_id=slug)
    except SocialApp.DoesNotExist as unknown:
        raise Http404("No such provider.") from unknown
    return cast(TenantProvider, app.get_provider(request))


def store_response(request: HttpRequest, provider: TenantProvider, text: str) -> HttpResponse:
    if len(text) > MAX_LENGTH:
        raise Refused("The response is too long.")
    provider.checked_response(request, text)
    response = redirect("saml_finish_acs", organization_slug=provider.app.client_id)
    session = LoginSession(request, "saml_acs_session", COOKIE)
    session.store["response"] = text
    session.store.set_expiry(MAX_AGE)
    session.save(response)
    response.cookies[COOKIE]["httponly"] = True
    return response


def pop_response(request: HttpRequest) -> str:
    session = LoginSession(request, "saml_acs_session", COOKIE)
    text = str(session.store.get("response", ""))
    session.delete()
    return text


def finish(request: HttpRequest, provider: TenantProvider, text: str) -> HttpResponse:
    if not text:
        raise Refused("There is no response, or it was already used.")
    auth = provider.checked_response(request, text)
    login = provider.login_of(request, auth)
    if not provider.is_proof(auth, login.state["asked_at"]):
        mark_unproven(request)
        messages.warning(request, NO_PROOF.format(name=provider.app.name))
    return cast(HttpResponse, complete_social_login(request, login))


def handle_failures(
    request: HttpRequest, provider: TenantProvider, step: Callable[[], HttpResponse]
) -> HttpResponse:
    """Run the step. If it refuses the response or the provider fails, log why and redirect to the sign-in page."""
    name = provider.app.client_id
    try:
        return step()
    except Refused as refusal:
        log.warning("A response of the provider %s of SAML_PROVIDERS was refused: %s", name, refusal)
        return refuse_sign_in(request)
    except (OSError, *INVALID):
        log.warning("Sign-in with the provider %s of SAML_PROVIDERS failed.", name, exc_info=True)
        messages.error(request, UNAVAILABLE)
        return redirect("accounts:sign-in")
