"""Read what a list shows of each transfer: its users, its numbers and its result, for all of them at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min, Q, Window
from django.db.models.functions import RowNumber

from accounts.models import User
from accounts.scope import visible_users
from transfers.models import PairState, Transfer, TransferPair
from transfers.results.progress import duration_of
from transfers.results.undo import undone_word


@dataclass(frozen=True)
class Party:
    """A user of a transfer, by the name at the time. `user` is None if the person may not see the user now."""

    id: int
    name: str
    user: User | None = None


@dataclass(frozen=True)
class Hit:
    """The first pair that a search has found in a bulk transfer. `more` is the number of the others."""

    pair: TransferPair
    source: Party
    target: Party
    more: int


@dataclass(frozen=True)
class Entry:
    """A transfer and its numbers of pairs by result.

    `moved` is the number of records that reached their Target User. `source` and `target` are set if there is a single
    pair.
    """

    transfer: Transfer
    starter: Party
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    not_started: int = 0
    undone: int = 0
    moved: int = 0
    source: Party | None = None
    target: Party | None = None
    hit: Hit | None = None

    @property
    def done(self) -> int:
        return self.succeeded + self.failed

    @property
    def undone_word(self) -> str:
        return undone_word(self.undone, self.succeeded)

    @property
    def took(self) -> str:
        return duration_of(self.transfer)


@dataclass(frozen=True)
class People:
    """The users whom the person may see, by ID."""

    known: Mapping[int, User] = field(default_factory=dict)

    def party(self, user_id: int, name: str) -> Party:
        return Party(user_id, name, self.known.get(user_id))


def list_entries(person: User, transfers: Iterable[Transfer], wanted: Q | None = None) -> list[Entry]:
    """Return the transfers as the person may see them, with the same number of queries however many there are.

    `wanted` is a condition on pairs: an entry of a bulk transfer then names the first pair that meets it.
    """
    shown = list(transfers)
    numbers = {row.pop("transfer_id"): row for row in pair_numbers(shown)}
    hits = hits_of(shown, wanted) if wanted else {}
    people = people_of(person, shown, numbers.values(), hits.values())
    moved = records_moved(shown)
    return [
        Entry(
            transfer,
            people.party(transfer.requested_by_id, transfer.requested_by_name),
            moved=moved.get(transfer.pk, 0),
            **parties(numbers.get(transfer.pk, {}), people),
            hit=hit_of(hits.get(transfer.pk), people),
        )
        for transfer in shown
    ]


def pair_numbers(transfers: list[Transfer]) -> Iterable[Any]:
    states = {
        "succeeded": PairState.SUCCEEDED,
        "failed": PairState.FAILED,
        "not_started": PairState.NOT_STARTED,
    }
    any_of = {name: Min(name) for name in ("source_id", "target_id", "source_name", "target_name")}
    return (
        TransferPair.objects.filter(transfer__in=transfers)
        .values("transfer_id")
        .order_by()
        .annotate(total=Count("id"))
        .annotate(**{name: Count("id", filter=Q(state=state)) for name, state in states.items()})
        .annotate(undone=Count("undone_by"), **any_of)
    )


def parties(numbers: dict[str, Any], people: People) -> dict[str, Any]:
    """Replace the IDs and names of any pair by its two users, if it is the only pair."""
    kept = {name: n for name, n in numbers.items() if not name.startswith(("source", "target"))}
    if numbers.get("total") == 1:
        for role in ("source", "target"):
            kept[role] = people.party(numbers[f"{role}_id"], numbers[f"{role}_name"])
    return kept


def people_of(
    person: User,
    transfers: Iterable[Transfer],
    numbers: Iterable[dict[str, Any]],
    hits: Iterable[TransferPair],
) -> People:
    """Return those of the named users whom the person may see. They are read in one query."""
    named = {transfer.requested_by_id for transfer in transfers}
    named |= {row[f"{role}_id"] for row in numbers if row["total"] == 1 for role in ("source", "target")}
    named |= {user_id for pair in hits for user_id in (pair.source_id, pair.target_id)}
    return People(visible_users(person).select_related("team").in_bulk(named))


# Adds up the records that reached their targets. Uses the unique index on (transfer_id, source_id) of
# transfers_transferpair.
RECORDS_MOVED = """
SELECT pair.transfer_id,
    sum(
        coalesce((entry.value->>'moved')::bigint, 0) + coalesce((entry.value->>'merged')::bigint, 0)
        + coalesce((entry.value->>'returned')::bigint, 0)
    )
FROM transfers_transferpair AS pair, jsonb_each(pair.counts) AS entry
WHERE pair.transfer_id = ANY(%s) AND pair.state = 'succeeded'
GROUP BY pair.transfer_id
"""


def records_moved(transfers: Iterable[Transfer]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(RECORDS_MOVED, [[transfer.pk for transfer in transfers]])
        return {transfer_id: int(moved) for transfer_id, moved in cursor.fetchall()}


def hits_of(transfers: Iterable[Transfer], wanted: Q) -> dict[int, TransferPair]:
    """Return the first pair of each bulk transfer that meets the condition, with the number of them as `hits`."""
    bulk = [transfer.pk for transfer in transfers if transfer.is_bulk]
    by_transfer: Any = {"partition_by": F("transfer_id")}
    pairs = TransferPair.objects.filter(wanted, transfer__in=bulk).annotate(
        hits=Window(Count("id"), **by_transfer),
        place=Window(RowNumber(), order_by="row_number", **by_transfer),
    )
    return {pair.transfer_id: pair for pair in pairs.filter(place=1)}


def hit_of(pair: Any, people: People) -> Hit | None:
    if pair is None:
        return None
    source = people.party(pair.source_id, pair.source_name)
    target = people.party(pair.target_id, pair.target_name)
    return Hit(pair, source, target, pair.hits - 1)
