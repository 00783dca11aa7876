"""Sign-in with the OpenID Connect provider of the user's tenant."""

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

from accounts.access import public
from accounts.signing_in.providers.linking import is_offered
from accounts.signing_in.providers.openid import TenantAdapter, TenantCallback
from accounts.signing_in.views.sign_in import next_page

log = logging.getLogger(__name__)

UNAVAILABLE = (
    "The sign-in page of your organisation could not be reached. "
    "Try again in a minute, or sign in with your password."
)


@public
@never_cache
@require_safe
def openid_sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Redirect to the provider.

    This is a GET, because our Content-Security-Policy blocks forms that redirect to another site.
    """
    adapter = TenantAdapter(request, provider_id)
    return handle_failures(
        request, provider_id, lambda: adapter.get_provider().sign_in(request, next_page(request))
    )


@public
@never_cache
@require_safe
def openid_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Complete the sign-in at the redirect URI that is registered with the provider."""
    view = TenantCallback.adapter_view(TenantAdapter(request, provider_id))
    return handle_failures(request, provider_id, lambda: view(request))


def handle_failures(request: HttpRequest, provider_id: str, step: Callable[[], HttpResponse]) -> HttpResponse:
    """Run the step. If the provider fails, log the error and tell the user how else to sign in."""
    if not is_offered("openid_connect", provider_id):
        raise Http404("No such provider.")
    try:
        return step()
    except (SocialApp.DoesNotExist, MultipleObjectsReturned) as unknown:
        raise Http404("No such provider.") from unknown
    except (RequestException, OAuth2Error, KeyError, ValueError):
        log.warning("Sign-in with the provider %s of OIDC_PROVIDERS failed.", provider_id, exc_info=True)
        messages.error(request, UNAVAILABLE)
        return redirect("accounts:sign-in")
