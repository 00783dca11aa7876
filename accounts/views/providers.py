"""Signing in with the identity provider of one's tenant."""

import logging
from collections.abc import Callable

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib import messages
from django.core.exceptions import MultipleObjectsReturned
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from accounts.doors import public
from accounts.openid import TenantAdapter, TenantCallback
from accounts.providers import is_offered
from accounts.views.sign_in import next_page

log = logging.getLogger(__name__)

AWAY = (
    "The sign-in page of your organisation could not be reached. "
    "Try again in a minute, or sign in with your password."
)


@public
@never_cache
@require_safe
def openid_sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """A link, because a form that leads to another site is refused by our own Content-Security-Policy."""
    adapter = TenantAdapter(request, provider_id)
    return answered(request, provider_id, lambda: adapter.get_provider().sign_in(request, next_page(request)))


@public
@never_cache
@require_safe
def openid_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the provider sends people back to."""
    view = TenantCallback.adapter_view(TenantAdapter(request, provider_id))
    return answered(request, provider_id, lambda: view(request))


def answered(request: HttpRequest, provider_id: str, step: Callable[[], HttpResponse]) -> HttpResponse:
    """Trouble with the provider is not the person's fault: it is logged, and they are told what to do instead."""
    if not is_offered("openid_connect", provider_id):
        raise Http404("No such provider.")
    try:
        return step()
    except (SocialApp.DoesNotExist, MultipleObjectsReturned) as unknown:
        raise Http404("No such provider.") from unknown
    except (RequestException, OAuth2Error, KeyError, ValueError):
        log.warning(
            "The provider %s of OIDC_PROVIDERS did not answer as it should.", provider_id, exc_info=True
        )
        messages.error(request, AWAY)
        return redirect("accounts:sign-in")
