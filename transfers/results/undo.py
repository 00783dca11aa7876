"""What became of a transfer: whether it can be undone, and what its undo left as it is."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.scope import visible_users
from transfers.models import PairState, Transfer, TransferPair, UndoConflict
from transfers.models.transfer import OPEN, RESULTS
from transfers.models.undo_conflict import said_of
from transfers.registry import data_types
from transfers.results.undo_deadline import day, in_time, last_day
from transfers.rules import Column, DataType
from transfers.validation.undo import problem_kinds as undo_kinds
from wording.display_text import safe
from wording.problems import Problem, Sentence


def refusal_of(transfer: Transfer) -> Problem | None:
    """Return why a transfer as a whole cannot be undone, or None if it can."""
    if transfer.is_undo:
        return undo_kinds.IS_UNDO(transfer=transfer.number)
    if transfer.state in OPEN:
        return undo_kinds.STILL_OPEN(transfer=transfer.number)
    if transfer.state not in RESULTS or not pairs_to_undo(transfer).exists():
        undone = TransferPair.objects.filter(transfer=transfer, undone_by__isnull=False).exists()
        kind = undo_kinds.ALL_UNDONE if undone else undo_kinds.NOTHING_TRANSFERRED
        return kind(transfer=transfer.number)
    return too_late(transfer)


def too_late(transfer: Transfer) -> Problem | None:
    last = last_day(transfer)
    if last is None:
        return (
            undo_kinds.FORGOTTEN(transfer=transfer.number)
            if settings.UNDO_DAYS
            else undo_kinds.SWITCHED_OFF()
        )
    if in_time(transfer):
        return None
    return undo_kinds.TOO_OLD(transfer=transfer.number, until=Sentence(day(last)))


def pairs_to_undo(transfer: Transfer) -> QuerySet[TransferPair]:
    """Return the succeeded pairs that are not undone."""
    return TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED, undone_by=None)


@dataclass(frozen=True)
class UndoneNumbers:
    """Numbers of succeeded pairs of a transfer that are undone, and that could be undone."""

    undone: int
    left: int

    @property
    def word(self) -> str:
        return undone_word(self.undone, self.undone + self.left)


def undone_numbers(transfer: Transfer) -> UndoneNumbers:
    succeeded = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED)
    undone = Q(undone_by__isnull=False)
    return UndoneNumbers(
        **succeeded.aggregate(undone=Count("id", filter=undone), left=Count("id", filter=~undone))
    )


def undone_word(undone: int, succeeded: int) -> str:
    """Return "Undone" or "Undone in part" for a transfer, or "" if none of its pairs is undone."""
    if not undone:
        return ""
    return "Undone" if undone >= succeeded else "Undone in part"


@dataclass(frozen=True)
class LeftRecord:
    """A record that an undo leaves as it is (`UndoConflict`), in words.

    `name` is its primary key, with the table if it is a child record. `why` also says whose record it is now.
    """

    conflict: UndoConflict
    data_type: str
    name: str
    why: str


def left_records(transfer: Transfer) -> QuerySet[UndoConflict]:
    """Return the records that an undo left, or because of which it left a pair as it is, in the order of the rows."""
    conflicts = UndoConflict.objects.filter(pair__transfer=transfer).select_related("pair")
    return conflicts.order_by("pair__row_number", "pk")


def records_in_words(conflicts: Iterable[UndoConflict], reader: User | None = None) -> Iterator[LeftRecord]:
    """Yield the records with names for people, and to whom they belong now if the reader may see that user.

    With a reader, takes a query for each data type of each thousand records, and one for the users.
    """
    types = {entry.key: entry for entry in data_types()}
    rest = iter(conflicts)
    while batch := list(islice(rest, 1000)):
        holders = holders_of(reader, batch, types) if reader else {}
        for found in batch:
            entry = types.get(found.data_type)
            why = why_in_words(found, holders.get((found.data_type, found.key)))
            yield LeftRecord(found, entry.name if entry else found.data_type, name_of(found, entry), why)


def name_of(conflict: UndoConflict, entry: DataType | None) -> str:
    """Return the key, for example "18" for "(18)"; for a child record, with the name of its table.

    A key may be any text, so it is made safe to display.
    """
    key = plain_key(conflict.key) or (f"{conflict.n:,} records" if conflict.n > 1 else "–")
    parts = [key] if entry and is_own_table(conflict, entry) else [conflict.table, key]
    return " ".join(safe(part) for part in parts)


def plain_key(key: str) -> str:
    return key[1:-1] if key.startswith("(") and key.endswith(")") else key


def is_own_table(conflict: UndoConflict, entry: DataType) -> bool:
    table, own = (
        name.replace('"', "").split(".")[-1] for name in (conflict.table, entry.model._meta.db_table)
    )
    return table == own


def why_in_words(conflict: UndoConflict, holder: int | None) -> str:
    if holder is not None and str(holder) != str(conflict.pair.source_id):
        return f"belongs to user {holder} now"
    return said_of(conflict.n, conflict.why)


def holders_of(
    reader: User, conflicts: Iterable[UndoConflict], types: Mapping[str, DataType]
) -> dict[tuple[str, str], int]:
    """Return, by data type and key, the IDs of the users to whom changed records belong now, if a column holds them.

    Users whom the reader may not see are left out.
    """
    keys: dict[str, set[str]] = defaultdict(set)
    for found in conflicts:
        entry = types.get(found.data_type)
        if entry and found.why == UndoConflict.Why.CHANGED and is_own_table(found, entry):
            keys[found.data_type].add(plain_key(found.key))
    holders = {
        (data_type, f"({key})"): holder
        for data_type, wanted in keys.items()
        for key, holder in holders_in(types[data_type], wanted)
    }
    visible = set(visible_users(reader).filter(pk__in=holders.values()).values_list("pk", flat=True))
    return {record: holder for record, holder in holders.items() if holder in visible}


def holders_in(entry: DataType, keys: Iterable[str]) -> Iterable[tuple[int, int]]:
    """Return keys and holders, for a type with a numeric key whose only owner is a column with the user's ID."""
    (owner, *others) = entry.owners
    numbers = [int(key) for key in keys if key.isascii() and key.isdecimal()]
    if others or not isinstance(owner, Column) or owner.holds != "id" or not numbers:
        return ()
    rows = entry.model._base_manager.filter(pk__in=numbers, **{f"{owner.field}__isnull": False})
    return rows.values_list("pk", owner.field)
