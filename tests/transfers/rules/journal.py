"""The counts of a pair, as its journal has them and as they are stored with the pair."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from transfers.models import JournalEntry, TransferPair
from transfers.registry import by_key
from transfers.results.deleted_rows import DELETED
from transfers.rules import Profile

COUNTED_AS = {"moved": "moved", "changed": "moved", "detached": "detached"} | {what: what for what in DELETED}

# What is counted of rows that are there or that moved, and of child rows that are counted as children already.
NOT_IN_JOURNAL = ("source", "target", "same_user", "replaced_children")


def journal_counts(transfer_id: int) -> dict[int, dict[str, dict[str, int]]]:
    """Return the counts of each pair by type, as far as the journal has them."""
    counts: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for entry in JournalEntry.objects.filter(transfer_id=transfer_id):
        if what := counted_as(entry):
            counts[entry.pair_id][entry.data_type][what] += entry.n
    return {pair: {name: dict(numbers) for name, numbers in types.items()} for pair, types in counts.items()}


def counted_as(entry: JournalEntry) -> str | None:
    """Rows that took over values or another parent are not counted, except those of a profile."""
    if entry.what == "folded" and isinstance(by_key(entry.data_type).rule, Profile):
        return "merged"
    return COUNTED_AS.get(entry.what)


def pair_counts(pairs: Iterable[TransferPair]) -> dict[int, dict[str, dict[str, int]]]:
    """Return the same numbers as they are stored with the pairs."""
    counts: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    for pair in pairs:
        for name, numbers in pair.counts.items():
            if done := {what: n for what, n in numbers.items() if what not in NOT_IN_JOURNAL}:
                counts[pair.pk][name] = done
    return counts
