"""The page of the audit log, newest event first, and its download. Users transferred by one run share a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import Request, requires
from accounts.models import User
from accounts.people.audit_redaction import as_seen
from accounts.permissions import Permission
from audit.chain import state_of
from audit.log import sentence
from audit.models import AuditEvent
from audit.verification import UNCHANGED
from transfers.access import visible_events, visible_transfers
from transfers.results.exports import audit_table
from transfers.views.filters import AuditFilter
from web.client_address import address_of
from web.downloads import table_download
from web.filtering import in_use, render_list
from web.paging import page_of, query_without, rows_per_page

GROUPED = "pair-succeeded"
SHOWN_OF_GROUP = 10


@dataclass(frozen=True)
class Entry:
    """A line of the audit log. `is_linked` is True if the person may open the transfer that the event is about.

    A transfer's events of the kind GROUPED share one line: `event` is the last of them, `count` their number, and
    `sentences` tells of the last few.
    """

    event: AuditEvent
    sentence: str
    is_linked: bool
    count: int = 1
    sentences: tuple[str, ...] = ()


@require_safe
@requires(Permission.SEE_AUDIT)
def audit_log(request: Request) -> HttpResponse:
    chosen = AuditFilter(request.GET, queryset=visible_events(request.user))
    verified, events = last_verification(request.user), chosen.qs
    groups = not chosen.form.cleaned_data.get("kind")
    page = page_of(request, one_of_each_group(events) if groups else events)
    context = {
        "filter": chosen,
        "page": page,
        "entries": audit_entries(request.user, page.object_list, events if groups else None),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
        "chain": state_of(request.user.tenant_id),
        "verified": verified,
        "is_intact": verified is not None and verified.detail("result") == UNCHANGED,
    }
    return render_list(request, "transfers/audit_log.html", context)


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


def one_of_each_group(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Leave out all events of the kind GROUPED but the last one of each transfer."""
    last = (
        events.filter(kind=GROUPED).order_by().values("tenant_id", "transfer_number").annotate(last=Max("pk"))
    )
    return events.filter(~Q(kind=GROUPED) | Q(pk__in=last.values("last")))


def audit_entries(
    person: User, events: Iterable[AuditEvent], grouped: QuerySet[AuditEvent] | None
) -> list[Entry]:
    """Return the events, redacted for the person. The transfers that the person may open are found in one query.

    `grouped` are the events to take the groups from, or None if each event has its own line.
    """
    shown = as_seen(person, events)
    about = {event.transfer_number for event in shown if event.transfer_number}
    openable = set(visible_transfers(person).filter(number__in=about).values_list("number", flat=True))
    groups = groups_of(shown, grouped) if grouped is not None else {}
    return [
        Entry(event, sentence(event), event.transfer_number in openable, **of_group(event, groups))
        for event in shown
    ]


def groups_of(shown: Iterable[AuditEvent], events: QuerySet[AuditEvent]) -> dict[int | None, list[Any]]:
    """Return the last events of each group by transfer, each with the number of events in its group as `count`."""
    transfers = {event.transfer_number for event in shown if event.kind == GROUPED}
    by_transfer: Any = {"partition_by": F("transfer_number")}
    numbered = events.filter(kind=GROUPED, transfer_number__in=transfers).annotate(
        count=Window(Count("pk"), **by_transfer),
        place=Window(RowNumber(), order_by="-pk", **by_transfer),
    )
    groups: dict[int | None, list[Any]] = {}
    for event in numbered.filter(place__lte=SHOWN_OF_GROUP).order_by("-pk") if transfers else ():
        groups.setdefault(event.transfer_number, []).append(event)
    return groups


def of_group(event: AuditEvent, groups: dict[int | None, list[Any]]) -> dict[str, Any]:
    group = groups.get(event.transfer_number, []) if event.kind == GROUPED else []
    if len(group) < 2:
        return {}
    return {"count": group[0].count, "sentences": tuple(sentence(one) for one in group)}
