"""The doors to transfers and to what was recorded of them: the only ways from an id to a transfer.

A person may come to a transfer that they started themselves and, with the permission to see transfers, to one all of
whose users they can see. Everything else - unknown, another tenant's, out of view, somebody else's draft - is one and
the same 404, so that nobody can probe for transfers.
"""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.doors import Unreachable, require
from accounts.models import User
from accounts.permissions import Permission
from accounts.scope import active_views, visible_users
from accounts.search import LARGEST_ID
from transfers.audit import ABOUT_ACCOUNTS, SINCE_CONFIRMED
from transfers.models import AuditEvent, Kind, Participant, State, Transfer, TransferPair
from transfers.models.transfer import PERMISSION_TO_RUN


def access_transfer(person: User, transfer_id: int, *permissions: Permission) -> Transfer:
    """The transfer with this id. Raises `Unreachable`, or `PermissionMissing` when none of `permissions` is held."""
    if transfer_id > LARGEST_ID:
        raise Unreachable("No such transfer.")
    transfer = visible_transfers(person).filter(pk=transfer_id).first()
    if transfer is None:
        raise Unreachable("No such transfer.")
    if permissions:
        require(person, *permissions)
    return transfer


def access_transfer_to_run(person: User, transfer_id: int) -> Transfer:
    """The same, for an act: starting, stopping and repeating need the permission of the transfer's kind."""
    transfer = access_transfer(person, transfer_id)
    require(person, PERMISSION_TO_RUN[Kind(transfer.kind)])
    return transfer


def access_draft(person: User, transfer_id: int) -> Transfer:
    """A draft of the person's own; anybody else's, and one that was confirmed or discarded, is a 404."""
    transfer = access_transfer(person, transfer_id)
    if transfer.state != State.DRAFT:
        raise Unreachable("No such preview.")
    return transfer


def visible_transfers(person: User) -> QuerySet[Transfer]:
    """Every transfer the person may come to; a draft is its maker's alone."""
    mine = Q(requested_by=person)
    if person.may(Permission.SEE_TRANSFERS):
        mine |= Q(confirmed_at__isnull=False) & within_view(person)
    return Transfer.objects.filter(mine, tenant_id=person.tenant_id)


def visible_busy(person: User, user_ids: Iterable[int | None]) -> dict[str, int]:
    """Which of the users are in an open transfer that the person may come to: the user's id as text → the transfer."""
    busy = Participant.objects.filter(user_id__in=set(user_ids), transfer__in=visible_transfers(person))
    return {str(user): transfer for user, transfer in busy.values_list("user_id", "transfer_id")}


def within_view(person: User) -> Q:
    """Over `Transfer` rows: the person can see every source and every target of it.

    EnterpriseView is asked first: it holds everybody, so the pairs need not be looked at.
    """
    seen = visible_users(person).values("id")
    beyond = TransferPair.objects.filter(transfer=OuterRef("pk")).exclude(source__in=seen, target__in=seen)
    return Q(Exists(active_views(person).filter(is_enterprise=True))) | ~Q(Exists(beyond))


def sees_all_of(person: User, transfer: Transfer) -> bool:
    """Whether every user of the transfer is in the person's view still, also when it is their own."""
    return Transfer.objects.filter(within_view(person), pk=transfer.pk).exists()


def visible_events(person: User) -> QuerySet[AuditEvent]:
    """The audit log as far as the person's view reaches: EnterpriseView holds all of it; else their own acts, those
    of people they see, and what is about a transfer they may come to, from its confirmation on. What others did to
    users, views and roles, or to their drafts, may be about somebody out of view, and is left out."""
    about_nothing = Q(transfer_id__isnull=True) & Q(actor_id__in=visible_users(person).values("id"))
    about_nothing &= ~Q(kind__in=ABOUT_ACCOUNTS)
    about_visible = Q(transfer_id__in=visible_transfers(person).values("id"), kind__in=SINCE_CONFIRMED)
    whole = Q(Exists(active_views(person).filter(is_enterprise=True)))
    return AuditEvent.objects.filter(
        whole | Q(actor_id=person.pk) | about_nothing | about_visible, tenant_id=person.tenant_id
    )
