"""The last transfers of a user, for the user's page."""

from typing import Any

from django import template
from django.db.models import Exists, OuterRef, Q
from django.template.context import Context

from accounts.models import User
from transfers.access import visible_transfers
from transfers.models import TransferPair
from transfers.results.entries import list_entries

LATEST = 5

register = template.Library()


@register.inclusion_tag("transfers/_user_transfers.html", takes_context=True)
def user_transfers(context: Context, subject: User) -> dict[str, Any]:
    """Render the last transfers that moved data from or to the user, as far as the signed-in person may see them."""
    person: User = context["user"]
    of_user = Q(source=subject) | Q(target=subject)
    pairs = TransferPair.objects.filter(of_user, transfer=OuterRef("pk"))
    found = visible_transfers(person).filter(Exists(pairs), confirmed_at__isnull=False)
    transfers = found.order_by("-confirmed_at", "-pk")[:LATEST]
    return {"entries": list_entries(person, transfers, of_user), "subject": subject, "user": person}
