"""The filters of the lists: declared once, forgiving about what stands in the URL."""

from typing import Any, ClassVar

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from accounts.models.user import Plain
from accounts.scope import visible_users
from transfers.audit import KINDS
from transfers.models import AuditEvent, Kind, State, Transfer, TransferPair
from transfers.people_csv import MAX_ID

CONFIRMED_STATES = [choice for choice in State.choices if choice[0] not in (State.DRAFT, State.DISCARDED)]
LONGEST = 200


class Day(forms.DateInput):
    input_type = "date"


def plain_text(label: str, method: str) -> django_filters.CharFilter:
    """A box for a user's id or a part of a name; the form field refuses NUL, which PostgreSQL cannot store."""
    return django_filters.CharFilter(label=label, method=method, max_length=LONGEST)


class TransferFilter(django_filters.FilterSet):
    """The transfers list: state, kind, a user in it, who started it, from and to which day. It needs the request."""

    state = django_filters.ChoiceFilter(choices=CONFIRMED_STATES, empty_label="All states")
    kind = django_filters.ChoiceFilter(choices=Kind.choices, empty_label="Single and bulk")
    user = plain_text("User ID or name", "names_user")
    by = plain_text("Started by", "started_by")
    since = django_filters.DateFilter("confirmed_at", "date__gte", label="From", widget=Day)
    until = django_filters.DateFilter("confirmed_at", "date__lte", label="To", widget=Day)

    class Meta:
        model = Transfer
        fields: ClassVar[list[str]] = ["state", "kind", "user", "by", "since", "until"]

    def names_user(self, transfers: QuerySet[Transfer], name: str, text: str) -> QuerySet[Transfer]:
        """Transfers in which somebody of this id, or with this in the name as it was, is source or target."""
        wanted = Q(source_name__icontains=text) | Q(target_name__icontains=text)
        if is_id(text):
            wanted |= Q(source_id=int(text)) | Q(target_id=int(text))
        return transfers.filter(Exists(TransferPair.objects.filter(wanted, transfer=OuterRef("pk"))))

    def started_by(self, transfers: QuerySet[Transfer], name: str, text: str) -> QuerySet[Transfer]:
        """By what the list shows of them; by user name and email only those whom the person who asks can see."""
        called = visible_users(self.request.user).filter(search_text__contains=Plain(Value(text)))
        by = Q(requested_by_name__icontains=text) | Q(requested_by__in=called.values("id"))
        if is_id(text):
            by |= Q(requested_by_id=int(text))
        return transfers.filter(by)


class AuditFilter(django_filters.FilterSet):
    """The audit log: kind of event, who, about which transfer, from and to which day."""

    kind = django_filters.ChoiceFilter(
        choices=[(kind, kind.replace("-", " ").capitalize()) for kind in KINDS], empty_label="All kinds"
    )
    person = plain_text("Person, by ID or name", "by_person")
    transfer = django_filters.NumberFilter("transfer_id", label="Transfer", max_value=MAX_ID, min_value=0)
    since = django_filters.DateFilter("at", "date__gte", label="From", widget=Day)
    until = django_filters.DateFilter("at", "date__lte", label="To", widget=Day)

    class Meta:
        model = AuditEvent
        fields: ClassVar[list[str]] = ["kind", "person", "transfer", "since", "until"]

    def by_person(self, events: QuerySet[AuditEvent], name: str, text: str) -> QuerySet[AuditEvent]:
        wanted = Q(actor_name__icontains=text)
        return events.filter(wanted | Q(actor_id=int(text)) if is_id(text) else wanted)


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text[:20]) <= MAX_ID and len(text) < 20


def in_use(filterset: Any) -> bool:
    """Was anything chosen? Then an empty list is the filters' doing."""
    return any(filterset.data.get(name) for name in filterset.filters)
