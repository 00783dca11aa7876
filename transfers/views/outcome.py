"""What the page of a transfer says about its result, its retries and its undos."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from transfers.access import visible_transfers
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.models.pair import NOT_TRANSFERRED
from transfers.results.progress import Progress, numbers_in_words, progress_of, undone_so_far
from transfers.results.undo import UndoneNumbers
from transfers.validation.links import listed

ERRORS_OCCURRED = "Errors occurred during data transfer. The user IDs listed below were not transferred."

SUCCESSFUL = "Data Transfer Successful"
UNDO_TITLES = {
    SUCCESSFUL: "Undo successful",
    ERRORS_OCCURRED: "Errors occurred during the undo. The user IDs listed below were not undone.",
}


@dataclass(frozen=True)
class Retry:
    """A confirmed transfer of the pairs that were not transferred, or an undo, and its result in words.

    left: the number of records that an undo left as they are.
    """

    transfer: Transfer
    result: str
    left: int = 0


def retries_of(person: User, transfer: Transfer) -> list[Retry]:
    retries = visible_transfers(person).filter(
        confirmed_at__isnull=False, pk__gt=transfer.pk, file_summary__retry_of=transfer.number
    )
    return with_results(retries)


def with_results(transfers: QuerySet[Transfer]) -> list[Retry]:
    return [
        Retry(
            made,
            numbers_in_words(progress_of(made), made.done_word),
            undone_so_far(made).left if made.is_undo else 0,
        )
        for made in transfers.order_by("pk")
    ]


def is_retried(transfer: Transfer, retries: list[Retry]) -> bool:
    """Return whether all users that failed were transferred, or undone, by retries that are not undone."""
    succeeded = TransferPair.objects.filter(
        transfer__in=[retry.transfer.pk for retry in retries], state=PairState.SUCCEEDED, undone_by=None
    )
    missed = TransferPair.objects.filter(transfer=transfer, state__in=NOT_TRANSFERRED)
    return bool(retries) and not missed.exclude(source__in=succeeded.values("source")).exists()


def undos_of(person: User, transfer: Transfer) -> list[Retry]:
    """Return the confirmed undos of the transfer, and those of earlier transfers that undid pairs of it too."""
    undone = TransferPair.objects.filter(transfer=transfer, undone_by__isnull=False)
    wanted = Q(undoes=transfer) | Q(pk__in=undone.values("undone_by__transfer"))
    return with_results(visible_transfers(person).filter(wanted, confirmed_at__isnull=False))


def outcome_notice(
    transfer: Transfer, progress: Progress, undone: UndoneNumbers | None, retries: list[Retry]
) -> dict[str, Any]:
    """Return the notice about the result: its kind, title and text, and whether all that failed was retried."""
    kind, title = outcome_of(transfer, progress)
    retried = is_retried(transfer, retries)
    if retried:
        numbers = listed([retry.transfer.number for retry in retries])
        kind, title = "info", f"Retried by transfer{'s' if len(retries) > 1 else ''} {numbers}"
    if undone and undone.word and (retried or not progress.not_transferred):
        kind, title = "info", undone.word
    text = numbers_in_words(progress, transfer.done_word)
    return {"kind": kind, "title": title, "text": text, "retried": retried}


def outcome_of(transfer: Transfer, progress: Progress) -> tuple[str, str]:
    kind, title = {
        State.SUCCEEDED: ("success", SUCCESSFUL),
        State.FINISHED_WITH_ERRORS: ("error", ERRORS_OCCURRED),
        State.FAILED: ("error", ERRORS_OCCURRED),
        State.STOPPED: (
            "warning",
            "The transfer was stopped. The user IDs listed below were not transferred.",
        ),
        State.DISCARDED: ("info", "This preview was discarded."),
    }[State(transfer.state)]
    if transfer.state == State.STOPPED and not progress.not_transferred:
        title = f"The transfer was asked to stop, but all users had already been {transfer.done_word}."
    if transfer.is_undo:
        title = UNDO_TITLES.get(title, title.replace("transferred", "undone").replace("transfer ", "undo "))
    return kind, title
