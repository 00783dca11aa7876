"""The page of the audit log, newest event first, and its download."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.models import User
from accounts.people.audit_redaction import as_seen
from accounts.permissions import Permission
from audit.chain import state_of
from audit.log import sentence
from audit.models import AuditEvent
from transfers.access import visible_events, visible_transfers
from transfers.results.exports import audit_table
from transfers.views.filters import AuditFilter, in_use
from web.client_address import address_of
from web.downloads import table_download
from web.paging import page_of, query_without, rows_per_page


@dataclass(frozen=True)
class Entry:
    """A line of the audit log. `is_linked` is True if the person may open the transfer that the event is about."""

    event: AuditEvent
    sentence: str
    is_linked: bool


@require_safe
@requires(Permission.SEE_AUDIT)
def audit_log(request: Request) -> HttpResponse:
    chosen = AuditFilter(request.GET, queryset=visible_events(request.user))
    page = page_of(request, chosen.qs)
    context = {
        "filter": chosen,
        "page": page,
        "entries": audit_entries(request.user, page.object_list),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
        "chain": state_of(request.user.tenant_id),
        "verified": last_verification(request.user),
    }
    return render(request, "transfers/audit_log.html", context)


@require_safe
@requires(Permission.SEE_AUDIT)
def audit_download(request: Request) -> HttpResponseBase:
    """Download the events that match the filters of the page, and record the download as an event."""
    chosen = AuditFilter(request.GET, queryset=visible_events(request.user)).qs
    events = audit_table(by=request.user, events=chosen, address=address_of(request))
    return table_download(request, "audit-log", events)


def last_verification(person: User) -> AuditEvent | None:
    """Return the event of the last verification of the tenant's audit log, or None if there is none.

    A verification covers the entire log, including events that the person cannot see.
    """
    return AuditEvent.objects.filter(tenant_id=person.tenant_id, kind="audit-verified").first()


def audit_entries(person: User, events: Iterable[AuditEvent]) -> list[Entry]:
    """Return the events, redacted for the person. The transfers that the person may open are found in one query."""
    shown = as_seen(person, events)
    about = {event.transfer_id for event in shown if event.transfer_id}
    openable = set(visible_transfers(person).filter(pk__in=about).values_list("pk", flat=True))
    return [Entry(event, sentence(event), event.transfer_id in openable) for event in shown]
