"""The audit log: what has happened, newest first. Nothing in it can be changed."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.client import address_of
from accounts.doors import Request, requires
from accounts.models import User
from accounts.paging import page_of, query_without, rows_per_page
from accounts.permissions import Permission
from transfers.audit import sentence
from transfers.audit_as_seen import as_seen
from transfers.audit_chain import state_of
from transfers.doors import visible_events, visible_transfers
from transfers.filters import AuditFilter, in_use
from transfers.models import AuditEvent
from transfers.sheets import audit_csv
from transfers.views.downloads import csv_download


@dataclass(frozen=True)
class Entry:
    event: AuditEvent
    sentence: str
    leads_on: bool


@require_safe
@requires(Permission.SEE_AUDIT)
def audit_log(request: Request) -> HttpResponse:
    chosen = AuditFilter(request.GET, queryset=visible_events(request.user))
    page = page_of(request, chosen.qs)
    context = {
        "filter": chosen,
        "page": page,
        "entries": told(request.user, page.object_list),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
        "chain": state_of(request.user.tenant_id),
        "verified": last_verification(request.user),
    }
    return render(request, "transfers/audit_log.html", context)


@require_safe
@requires(Permission.SEE_AUDIT)
def audit_download(request: Request) -> StreamingHttpResponse:
    """The same events, with the same filters, as CSV; that somebody took them is an event too."""
    chosen = AuditFilter(request.GET, queryset=visible_events(request.user)).qs
    content = audit_csv(by=request.user, events=chosen, address=address_of(request))
    return csv_download("audit-log.csv", content)


def last_verification(person: User) -> AuditEvent | None:
    """Of the whole log of the tenant, whatever the person sees of it."""
    return AuditEvent.objects.filter(tenant_id=person.tenant_id, kind="audit-verified").first()


def told(person: User, events: Iterable[AuditEvent]) -> list[Entry]:
    """`leads_on`: may the person open the transfer it is about? One query for all of them."""
    shown = as_seen(person, events)
    about = {event.transfer_id for event in shown if event.transfer_id}
    open_to = set(visible_transfers(person).filter(pk__in=about).values_list("pk", flat=True))
    return [Entry(event, sentence(event), event.transfer_id in open_to) for event in shown]
