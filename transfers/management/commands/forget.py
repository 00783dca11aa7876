"""`manage.py forget`: delete the journal of a transfer before its time, for example on a request for erasure."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timezone import localdate

from accounts.access import Unreachable
from accounts.models import User
from accounts.permissions import Permission
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers import actions
from transfers.access import access_transfer
from transfers.actions import Forgotten
from transfers.management.person import acting_person, refused
from transfers.models import Transfer
from transfers.results.undo import undone_numbers
from transfers.results.undo_deadline import day
from wording.phrases import counted

NOTHING = "Nothing was deleted."


class Command(BaseCommand):
    help = (
        "Delete the journal of a transfer before its time: the rows that it deleted or changed, as they were before."
        " Afterwards the transfer cannot be undone, and show_discarded shows nothing of it. The reason is recorded in"
        " the audit log. Records with the users, results and numbers are not changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transfer", type=int, help="number of the transfer, as on its page")
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person responsible, who needs the permission Undo transfers",
        )
        parser.add_argument("--reason", required=True, help="why, for the audit log")

    def handle(self, *args: Any, transfer: int, by: str, reason: str, **options: Any) -> None:
        if not (reason := reason.strip()):
            raise refused(f"--reason: say why, for the audit log. {NOTHING}")
        with acting_person(by, Permission.UNDO) as person:
            found = find(transfer, person)
            self.stdout.write(in_words(found, self.forget(found, person, reason)))

    def forget(self, transfer: Transfer, person: User, reason: str) -> Forgotten:
        try:
            with raising_unavailable():
                return actions.forget(by=person, transfer=transfer, reason=reason)
        except actions.CannotForget as cannot:
            raise refused(f"{cannot} {NOTHING}") from cannot
        except DatabaseUnavailable as unavailable:
            raise refused(f"{unavailable.sentence} Run this again later.") from unavailable


def in_words(transfer: Transfer, forgotten: Forgotten) -> str:
    """Return what was deleted, and what can still be undone: nothing."""
    if forgotten.since and not forgotten.entries and not forgotten.left:
        return f"The journal of transfer {transfer.number} was already deleted on {day(localdate(forgotten.since))}."
    said = [
        f"Deleted {counted(forgotten.entries, 'journal entry', 'journal entries')} of transfer {transfer.number}."
    ]
    if forgotten.left:
        said.append(f"Also deleted: the list of {counted(forgotten.left, 'record')} that its undos left.")
    numbers = undone_numbers(transfer)
    if not numbers.undone:
        said.append("It cannot be undone any more.")
    elif numbers.left:
        said.append(
            f"{counted(numbers.undone, 'user')} had been undone, which is not changed."
            f" The transfer of the other {numbers.left:,} cannot be undone any more."
        )
    else:
        said.append("All of its users had been undone, which is not changed.")
    return " ".join(said)


def find(number: int, person: User) -> Transfer:
    try:
        return access_transfer(person, number)
    except Unreachable as unreachable:
        raise refused(
            f"There is no transfer {number} that {person.name} may see. The Transfers page lists the numbers."
            f" {NOTHING}"
        ) from unreachable
