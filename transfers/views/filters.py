"""Filters of the transfer list and the audit log. Invalid values in the URL are ignored."""

from typing import ClassVar

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from accounts.models.user import Plain
from accounts.scope import visible_users
from audit.kind_names import KIND_CHOICES
from audit.models import AuditEvent
from transfers.models import Kind, PairState, State, Transfer, TransferPair
from transfers.people_csv import MAX_ID
from web.filtering import FilterForm

CONFIRMED_STATES = [choice for choice in State.choices if choice[0] not in (State.DRAFT, State.DISCARDED)]
UNDONE_STATES = [("undone", "Undone"), ("undone in part", "Undone in part")]
MAX_TEXT_LENGTH = 200


class Day(forms.DateInput):
    input_type = "date"


def plain_text(label: str, method: str) -> django_filters.CharFilter:
    """Return a filter by user ID or part of a name. Its form field rejects NUL, which PostgreSQL cannot store."""
    return django_filters.CharFilter(label=label, method=method, max_length=MAX_TEXT_LENGTH)


class TransferFilter(django_filters.FilterSet):
    """Filter transfers by state, kind, user, person who started them, and dates. Requires the argument `request`."""

    user = plain_text("User ID or name", "naming_user")
    state = django_filters.ChoiceFilter(
        choices=[*CONFIRMED_STATES, *UNDONE_STATES], empty_label="All states", method="in_state"
    )
    kind = django_filters.ChoiceFilter(choices=Kind.choices, empty_label="All kinds")
    by = plain_text("Started by", "started_by")
    since = django_filters.DateFilter("confirmed_at", "date__gte", label="From", widget=Day)
    until = django_filters.DateFilter("confirmed_at", "date__lte", label="To", widget=Day)

    class Meta:
        model = Transfer
        form = FilterForm
        fields: ClassVar[list[str]] = ["user", "state", "kind", "by", "since", "until"]

    def naming_user(self, transfers: QuerySet[Transfer], name: str, text: str) -> QuerySet[Transfer]:
        pairs = TransferPair.objects.filter(names_user(text), transfer=OuterRef("pk"))
        return transfers.filter(Exists(pairs))

    def in_state(self, transfers: QuerySet[Transfer], name: str, state: str) -> QuerySet[Transfer]:
        """Keep transfers in this state, or those of which all or some succeeded pairs are undone."""
        if state not in dict(UNDONE_STATES):
            return transfers.filter(state=state)
        succeeded = TransferPair.objects.filter(transfer=OuterRef("pk"), state=PairState.SUCCEEDED)
        in_effect = Exists(succeeded.filter(undone_by__isnull=True))
        undone = transfers.filter(Exists(succeeded.filter(undone_by__isnull=False)))
        return undone.filter(~in_effect if state == "undone" else in_effect)

    def started_by(self, transfers: QuerySet[Transfer], name: str, text: str) -> QuerySet[Transfer]:
        """Keep transfers started by a person who has this ID, or whose name at the time contained the text.

        For people whom the viewer can see, the text may also be part of the current name, user name or email.
        """
        matching = visible_users(self.request.user).filter(search_text__contains=Plain(Value(text)))
        by = Q(requested_by_name__icontains=text) | Q(requested_by__in=matching.values("id"))
        if is_id(text):
            by |= Q(requested_by_id=int(text))
        return transfers.filter(by)


class AuditFilter(django_filters.FilterSet):
    """Filter audit events by kind, person, transfer and dates."""

    person = plain_text("Person, by ID or name", "by_person")
    kind = django_filters.ChoiceFilter(choices=KIND_CHOICES, empty_label="All kinds")
    transfer = django_filters.NumberFilter("transfer_number", label="Transfer", max_value=MAX_ID, min_value=0)
    since = django_filters.DateFilter("at", "date__gte", label="From", widget=Day)
    until = django_filters.DateFilter("at", "date__lte", label="To", widget=Day)

    class Meta:
        model = AuditEvent
        form = FilterForm
        fields: ClassVar[list[str]] = ["person", "kind", "transfer", "since", "until"]

    def by_person(self, events: QuerySet[AuditEvent], name: str, text: str) -> QuerySet[AuditEvent]:
        wanted = Q(actor_name__icontains=text)
        return events.filter(wanted | Q(actor_id=int(text)) if is_id(text) else wanted)


def names_user(text: str) -> Q:
    """Return a condition on pairs: source or target has this ID, or a name at the time that contains the text."""
    wanted = Q(source_name__icontains=text) | Q(target_name__icontains=text)
    if is_id(text):
        wanted |= Q(source_id=int(text)) | Q(target_id=int(text))
    return wanted


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text[:20]) <= MAX_ID and len(text) < 20
