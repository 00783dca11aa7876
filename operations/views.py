"""Endpoints for machines: liveness, readiness, metrics."""

from secrets import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.access import public
from operations.monitoring import health
from operations.monitoring.metrics import exposition

LOOPBACK = ("127.0.0.1", "::1")


@public
@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Respond without checking anything, so that an unreachable database does not cause a restart of the process."""
    return JsonResponse({"status": health.OK})


@public
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Respond with 200 if pages can be served, else with 503.

    With ?all=1, also respond with 503 if transfers would have to wait.
    """
    found = health.findings()
    missing = [name for name, state in found.items() if state != health.OK]
    unusable = [name for name in missing if name in health.NEEDED]
    status = "unavailable" if unusable else "degraded" if missing else health.OK
    refused = unusable or (missing and "all" in request.GET)
    return JsonResponse({"status": status, **found}, status=503 if refused else 200)


@public
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return Prometheus metrics to clients that may read them, else 404 (docs/decisions/health-and-metrics.md)."""
    if not may_read_metrics(request):
        raise Http404("No such page.")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    # Behind a proxy on this machine every client seems to have a loopback address, so only the demo, which has no
    # proxy, relies on the address.
    return settings.DEMO and request.META.get("REMOTE_ADDR") in LOOPBACK
