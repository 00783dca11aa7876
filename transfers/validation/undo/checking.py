"""Check whether pairs can be undone: last in, first out, and within the person's views (docs/decisions/undo.md).

A pair can be undone if neither of its users was in a later succeeded pair that is not undone. Later pairs that moved
late arrivals of the same two users are undone with it. Nobody gets a view back that the person could not assign.
"""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import Q

from accounts.models import AccessView, AccessViewAssignment, User
from accounts.scope import beyond
from transfers.access import visible_transfers
from transfers.models import JournalEntry, Kind, PairState, TransferPair
from transfers.models.journal_entry import FOR_UNDO
from transfers.registry import data_types
from transfers.validation.candidates import CandidateRow
from transfers.validation.facts import Facts
from transfers.validation.problem_kinds import ACTIVE_SOURCE, NO_ATTRIBUTE
from transfers.validation.rows import Problems, check_rows
from transfers.validation.undo import problem_kinds as undo_kinds
from wording.problems import Problem, Sentence

OF_TRANSFERS_ONLY = (ACTIVE_SOURCE.code, NO_ATTRIBUTE.code)


class NotUndone(NamedTuple):
    """A succeeded pair that is not undone. `is_late`: it moved late arrivals."""

    pk: int
    transfer_id: int
    source_id: int
    target_id: int
    is_late: bool


class Undoing(NamedTuple):
    """What the undo of a pair takes back (`TransferPair.undoes`), and why it cannot."""

    undoes: tuple[int, ...]
    problems: tuple[Problem, ...]


def check_undo_rows(rows: Sequence[CandidateRow], facts: Facts) -> Problems:
    """Check the users of an undo as those of a transfer in its direction.

    The advice to deactivate the source is left out: the source of an undo is the user who keeps working. So are
    attributes that the target lacks: records are given back as they were, and so they do not refer to the target by it.
    """
    found = check_rows(rows, facts)
    return defaultdict(
        list,
        {
            number: [problem for problem in problems if problem.code not in OF_TRANSFERS_ONLY]
            for number, problems in found.items()
        },
    )


def check_undoable(person: User, pairs: Sequence[TransferPair]) -> dict[int, Undoing]:
    """Return, by ID, what the undo of each succeeded pair takes back. Takes four queries at most."""
    later = not_undone(pairs)
    found = {pair.pk: with_later(pair, later) for pair in pairs}
    openable = visible_among(person, (blocking for _, blocking in found.values()))
    transfers = {pair.transfer_id for pair in pairs}
    transfers |= {other.transfer_id for others in later.values() for other in others if other.is_late}
    gaining = gain_views_beyond(person, transfers, {pk for undoes, _ in found.values() for pk in undoes})
    return {
        pair.pk: Undoing(undoes, (*problems_of(pair, blocking, openable), *views_back(pair, undoes, gaining)))
        for pair in pairs
        for undoes, blocking in [found[pair.pk]]
    }


def check_still_undoable(person: User, pairs: Sequence[TransferPair]) -> dict[int, list[Problem]]:
    """Return, by ID, why pairs of a confirmed undo can no longer run.

    One of their users was in another pair since, or would get a view back that the person cannot give any more.
    """
    only = TransferPair.objects.only("transfer_id", "undone_by_id")
    undone = only.in_bulk({pk for pair in pairs for pk in pair.undoes})
    gaining = gain_views_beyond(person, {pair.transfer_id for pair in undone.values()}, undone)
    later = not_undone(pairs)
    blocking = {pair.pk: blocking_pair(pair, min(pair.undoes), pair.undoes, later) for pair in pairs}
    openable = visible_among(person, blocking.values())
    found: dict[int, list[Problem]] = {}
    for pair in pairs:
        if any(undone[pk].undone_by_id for pk in pair.undoes):
            found[pair.pk] = [undo_kinds.ALREADY_UNDONE(row=pair.row_number)]
        elif last := blocking[pair.pk]:
            found[pair.pk] = [later_first(pair, last, openable)]
        elif back := [*views_back(pair, pair.undoes, gaining)]:
            found[pair.pk] = back
    return found


def not_undone(pairs: Iterable[TransferPair]) -> Mapping[int, list[NotUndone]]:
    """Map each user of the pairs to the succeeded pairs that are not undone, newest first, other than undos."""
    users = {user for pair in pairs for user in (pair.source_id, pair.target_id)}
    rows = (
        TransferPair.objects.filter(
            Q(source_id__in=users) | Q(target_id__in=users), state=PairState.SUCCEEDED, undone_by=None
        )
        .exclude(transfer__kind=Kind.UNDO)
        .order_by("-pk")
        .values_list("pk", "transfer_id", "source_id", "target_id", "transfer__keeps_target")
    )
    found: dict[int, list[NotUndone]] = defaultdict(list)
    for pair in (NotUndone(*row) for row in rows):
        for user in (pair.source_id, pair.target_id):
            found[user].append(pair)
    return found


def with_later(
    pair: TransferPair, later: Mapping[int, list[NotUndone]]
) -> tuple[tuple[int, ...], NotUndone | None]:
    """Return the pairs to undo, newest first, and the pair that has to be undone before them, if any."""
    same = (pair.source_id, pair.target_id)
    late = [
        other.pk
        for other in later.get(pair.source_id, ())
        if other.pk > pair.pk and other.is_late and (other.source_id, other.target_id) == same
    ]
    undoes = (*late, pair.pk)
    return undoes, blocking_pair(pair, pair.pk, undoes, later)


def blocking_pair(
    pair: TransferPair, first: int, undoes: Iterable[int], later: Mapping[int, list[NotUndone]]
) -> NotUndone | None:
    """Return the newest pair with one of the two users that came after the pair `first` and is not undone with it."""
    users = (pair.source_id, pair.target_id)
    others = (other for user in users for other in later.get(user, ()) if other.pk > first)
    return max((other for other in others if other.pk not in undoes), default=None)


def visible_among(person: User, blocking: Iterable[NotUndone | None]) -> dict[int, int]:
    """Map the IDs of those transfers that the person may open to their numbers."""
    transfers = {pair.transfer_id for pair in blocking if pair}
    return dict(visible_transfers(person).filter(pk__in=transfers).values_list("pk", "number"))


def problems_of(
    pair: TransferPair, blocking: NotUndone | None, openable: Mapping[int, int]
) -> Iterable[Problem]:
    if pair.undone_by_id:
        yield undo_kinds.ALREADY_UNDONE(row=pair.row_number)
        return
    if blocking:
        yield later_first(pair, blocking, openable)
    installed = {entry.key for entry in data_types()}
    if gone := sorted(pair.counts.keys() - installed):
        yield undo_kinds.NOT_INSTALLED(row=pair.row_number, types=" and ".join(gone))


def later_first(pair: TransferPair, blocking: NotUndone, openable: Mapping[int, int]) -> Problem:
    """Return the problem that names the user and, if the person may open it, the transfer to be undone first."""
    in_it = (blocking.source_id, blocking.target_id)
    user = pair.source_id if pair.source_id in in_it else pair.target_id
    if blocking.transfer_id not in openable:
        return undo_kinds.HIDDEN_LATER(row=pair.row_number, user=Sentence(user))
    later = str(openable[blocking.transfer_id])
    return undo_kinds.UNDO_LATER_FIRST(row=pair.row_number, value=later, user=Sentence(user))


# --- Views -----------------------------------------------------------------------------------------------------------


def gain_views_beyond(
    person: User, transfers: Collection[int], pairs: Collection[int]
) -> dict[int, set[int]]:
    """Map pairs to the users who would get a view back that has users whom `person` cannot see.

    These are assignments that the transfer deleted, because the target had the same one. One that it moved is still the
    target's, and is checked like any view of a source. `transfers` are those of the pairs. Takes two queries at most.
    """
    entries = JournalEntry.objects.filter(
        transfer_id__in=transfers,
        pair_id__in=pairs,
        data_type__in=[entry.key for entry in data_types() if entry.model is AccessViewAssignment],
    ).exclude(what__in=FOR_UNDO)
    gains = [
        (pair, user, view)
        for pair, columns, rows in entries.values_list("pair_id", "columns", "before")
        for user, view in assignments(columns, rows)
    ]
    if not gains:
        return {}
    views = AccessView.objects.filter(pk__in={view for _, _, view in gains})
    forbidden = set(views.filter(beyond(person)).values_list("pk", flat=True))
    found: dict[int, set[int]] = defaultdict(set)
    for pair, user, view in gains:
        if view in forbidden:
            found[pair].add(user)
    return found


def assignments(columns: Sequence[str], rows: Iterable[str]) -> Iterable[tuple[int, int]]:
    """Yield the IDs of user and view in rows of the journal, which are records as PostgreSQL prints them."""
    user, view = columns.index("user_id"), columns.index("view_id")
    for values in csv.reader(row[1:-1] for row in rows):
        yield int(values[user]), int(values[view])


def views_back(
    pair: TransferPair, undoes: Iterable[int], gaining: Mapping[int, Collection[int]]
) -> Iterable[Problem]:
    for user in sorted({user for pk in undoes for user in gaining.get(pk, ())}):
        yield undo_kinds.GIVES_VIEW_BACK(row=pair.row_number, user=Sentence(user))
