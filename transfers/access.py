"""Access checks for transfers and their audit events. Views look up transfers by number only through this module.

People can open the transfers they created and, with the permission to see transfers, confirmed transfers whose users
they can all see. Any other number - unknown, out of view, of another person's draft - gives the same 404, so that
numbers cannot be probed. A number of another tenant means nothing: each tenant's transfers have their own.
"""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import Unreachable, require
from accounts.models import User
from accounts.people.search import LARGEST_ID
from accounts.permissions import Permission
from accounts.scope import sees_everything, visible_users
from audit.log import ABOUT_OTHER_THINGS, SINCE_CONFIRMED
from audit.models import AuditEvent
from transfers.models import Kind, Participant, Rehearsal, State, Transfer, TransferPair
from transfers.models.transfer import PERMISSION_TO_RUN


def access_transfer(person: User, number: int, *permissions: Permission) -> Transfer:
    """Return the transfer of the person's tenant with this number if the person may open it.

    Raises `Unreachable` if not, and `PermissionMissing` if the person has none of the given `permissions`.
    """
    if number > LARGEST_ID:
        raise Unreachable("No such transfer.")
    transfer = visible_transfers(person).filter(number=number).first()
    if transfer is None:
        raise Unreachable("No such transfer.")
    if permissions:
        require(person, *permissions)
    return transfer


def access_transfer_to_run(person: User, number: int) -> Transfer:
    """Return the transfer if the person may start, stop or retry it, which needs the permission for its kind."""
    transfer = access_transfer(person, number)
    require(person, PERMISSION_TO_RUN[Kind(transfer.kind)])
    return transfer


def access_draft(person: User, number: int) -> Transfer:
    """Return the person's own draft. Raises `Unreachable` if it is another person's, or confirmed or discarded."""
    transfer = access_transfer(person, number)
    if transfer.state != State.DRAFT:
        raise Unreachable("No such preview.")
    return transfer


def access_own_transfer_to_run(person: User, number: int) -> Transfer:
    """Return the person's own transfer or draft if they may run it.

    A rehearsal names the users of the draft, who were perhaps not transferred in the end, so others may not see it.
    """
    transfer = access_transfer_to_run(person, number)
    if transfer.requested_by_id != person.pk:
        raise Unreachable("No such preview.")
    return transfer


def access_rehearsal(person: User, number: int) -> Rehearsal:
    """Return the rehearsal of the person's own transfer or draft. Raises `Unreachable` if there is none."""
    transfer = access_own_transfer_to_run(person, number)
    found = Rehearsal.objects.select_related("transfer").filter(transfer=transfer).first()
    if found is None:
        raise Unreachable("No such rehearsal.")
    return found


def visible_transfers(person: User) -> QuerySet[Transfer]:
    """Return the transfers that the person may open. A draft is visible only to the person who created it."""
    mine = Q(requested_by=person)
    if person.may(Permission.SEE_TRANSFERS):
        mine |= Q(confirmed_at__isnull=False) & within_view(person)
    return Transfer.objects.filter(mine, tenant_id=person.tenant_id).select_related("undoes")


def visible_busy(person: User, user_ids: Iterable[int | None]) -> dict[str, int]:
    """Map each busy user's id (as a string) to the number of their open transfer.

    Users whose transfer the person may not see are left out.
    """
    busy = Participant.objects.filter(user_id__in=set(user_ids), transfer__in=visible_transfers(person))
    return {str(user): number for user, number in busy.values_list("user_id", "transfer__number")}


def within_view(person: User) -> Q:
    """Return the condition that the person can see all sources and targets of a `Transfer`."""
    if sees_everything(person):
        return Q(pk__isnull=False)
    seen = visible_users(person).values("id")
    beyond = TransferPair.objects.filter(transfer=OuterRef("pk")).exclude(source__in=seen, target__in=seen)
    return ~Q(Exists(beyond))


def sees_all_of(person: User, transfer: Transfer) -> bool:
    """Return whether the person can now see every user of the transfer.

    This may be false even for a transfer that the person created.
    """
    return Transfer.objects.filter(within_view(person), pk=transfer.pk).exists()


def visible_events(person: User) -> QuerySet[AuditEvent]:
    """Return the audit events that the person may see.

    With EnterpriseView these are all events of the tenant. Otherwise they are the person's own events, events caused by
    people they can see, and, for each transfer they may open, its events from the confirmation on. Other people's
    changes to users, views, roles and drafts are left out, because they may name users outside the person's views.
    """
    events = AuditEvent.objects.filter(tenant_id=person.tenant_id)
    if sees_everything(person):
        return events
    about_no_transfer = Q(transfer_number__isnull=True) & Q(actor_id__in=visible_users(person).values("id"))
    about_no_transfer &= Q(kind__in=ABOUT_OTHER_THINGS)
    about_visible_transfer = Q(
        transfer_number__in=visible_transfers(person).values("number"), kind__in=SINCE_CONFIRMED
    )
    return events.filter(Q(actor_id=person.pk) | about_no_transfer | about_visible_transfer)
