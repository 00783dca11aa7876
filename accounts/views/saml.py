"""Signing in with the SAML provider of one's tenant. Imported only where SAML_PROVIDERS names one."""

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

from accounts.adapters import refused
from accounts.doors import public
from accounts.openid import NO_PROOF
from accounts.saml import UNREADABLE, Refused, TenantProvider
from accounts.sessions import is_no_proof
from accounts.views.providers import AWAY
from accounts.views.sign_in import next_page

log = logging.getLogger(__name__)

LONGEST = 200_000  # characters of an answer; they have some thousands
KEPT = 300  # seconds that an answer waits for its browser
COOKIE = "saml-acs-session"


@public
@never_cache
@require_safe
def saml_sign_in(request: HttpRequest, organization_slug: str) -> HttpResponse:
    provider = provider_of(request, organization_slug)
    return answered(request, provider, lambda: provider.sign_in(request, next_page(request)))


@public
@csrf_exempt  # the provider's page sends people here; what counts is its signature
@never_cache
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Where the provider sends people back to, from its own site and so without the cookie of their session.

    Only what the provider has signed is kept, until the browser comes to `saml_finish` with the cookie.
    """
    provider = provider_of(request, organization_slug)
    return answered(request, provider, lambda: keep(request, provider, request.POST.get("SAMLResponse", "")))


@public
@never_cache
@require_safe
def saml_finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    provider = provider_of(request, organization_slug)
    return answered(request, provider, lambda: finish(request, provider, kept_answer(request)))


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


def keep(request: HttpRequest, provider: TenantProvider, text: str) -> HttpResponse:
    if len(text) > LONGEST:
        raise Refused("It is too long.")
    provider.answer(request, text)
    response = redirect("saml_finish_acs", organization_slug=provider.app.client_id)
    kept = LoginSession(request, "saml_acs_session", COOKIE)
    kept.store["answer"] = text
    kept.store.set_expiry(KEPT)
    kept.save(response)
    response.cookies[COOKIE]["httponly"] = True
    return response


def kept_answer(request: HttpRequest) -> str:
    kept = LoginSession(request, "saml_acs_session", COOKIE)
    text = str(kept.store.get("answer", ""))
    kept.delete()
    return text


def finish(request: HttpRequest, provider: TenantProvider, text: str) -> HttpResponse:
    if not text:
        raise Refused("There is none, or it was taken already.")
    auth = provider.answer(request, text)
    login = provider.login_of(request, auth)
    if not provider.is_proof(auth, login.state["asked_at"]):
        is_no_proof(request)
        messages.warning(request, NO_PROOF.format(name=provider.app.name))
    return cast(HttpResponse, complete_social_login(request, login))


def answered(
    request: HttpRequest, provider: TenantProvider, step: Callable[[], HttpResponse]
) -> HttpResponse:
    """Trouble with the provider is not the person's fault: it is logged, and they are told what to do instead."""
    name = provider.app.client_id
    try:
        return step()
    except Refused as refusal:
        log.warning("An answer of the provider %s of SAML_PROVIDERS was refused: %s", name, refusal)
        return refused(request)
    except (OSError, *UNREADABLE):
        log.warning("The provider %s of SAML_PROVIDERS did not answer as it should.", name, exc_info=True)
        messages.error(request, AWAY)
        return redirect("accounts:sign-in")
